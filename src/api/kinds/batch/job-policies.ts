import type { FieldError } from '../../kind.ts';
import type { JobSpec, PodFailurePolicyRule } from '../../types.ts';
import { duplicate, invalid, notSupported, pushInvalid, required, tooMany } from '../field-error.ts';
import { checkQualifiedName } from '../name-rules.ts';
import { eachAt } from '../paths.ts';

const actions: readonly string[] = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const operators: readonly string[] = ['In', 'NotIn'];
const statuses: readonly string[] = ['False', 'True', 'Unknown'];
const maxRules = 20;
const maxExitCodes = 255;
const maxPatterns = 20;
const maxIndexText = 64 * 1024;

/** Which failures count. Source: batch/validation validatePodFailurePolicy. */
export function checkPodFailurePolicy(errors: FieldError[], path: string, spec: JobSpec): void {
  const rules = spec.podFailurePolicy?.rules ?? [];
  if (rules.length > maxRules) errors.push(tooMany(`${path}.rules`, rules.length, maxRules));
  const containers = new Set(
    [...(spec.template?.spec?.containers ?? []), ...(spec.template?.spec?.initContainers ?? [])].map(c => c.name),
  );
  eachAt(`${path}.rules`, rules, (at, rule) => {
    if (!actions.includes(rule.action)) {
      errors.push(rule.action ? notSupported(`${at}.action`, rule.action, actions) : required(`${at}.action`));
    }
    if (rule.action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) {
      errors.push(invalid(`${at}.action`, rule.action, 'requires the backoffLimitPerIndex to be set'));
    }
    if (rule.onExitCodes) checkExitCodes(errors, `${at}.onExitCodes`, { codes: rule.onExitCodes, containers });
    checkPatterns(errors, `${at}.onPodConditions`, rule);
    const conditions = rule.onPodConditions?.length ?? 0;
    if (rule.onExitCodes && conditions > 0) {
      errors.push(invalid(at, '', 'specifying both OnExitCodes and OnPodConditions is not supported'));
    } else if (!rule.onExitCodes && conditions === 0) {
      errors.push(invalid(at, '', 'specifying one of OnExitCodes and OnPodConditions is required'));
    }
  });
}

function checkPatterns(errors: FieldError[], path: string, rule: PodFailurePolicyRule): void {
  const patterns = rule.onPodConditions ?? [];
  if (patterns.length > maxPatterns) errors.push(tooMany(path, patterns.length, maxPatterns));
  eachAt(path, patterns, (at, { type, status = '' }) => {
    if (!type) errors.push(required(`${at}.type`));
    pushInvalid(errors, `${at}.type`, type, checkQualifiedName(type));
    if (!statuses.includes(status)) errors.push(notSupported(`${at}.status`, status, statuses));
  });
}

function checkExitCodes(
  errors: FieldError[],
  path: string,
  { codes, containers }: { codes: NonNullable<PodFailurePolicyRule['onExitCodes']>; containers: ReadonlySet<string> },
): void {
  const { operator = '', values = [], containerName } = codes;
  if (!operators.includes(operator)) errors.push(notSupported(`${path}.operator`, operator, operators));
  if (containerName !== undefined && !containers.has(containerName)) {
    const detail = 'must be one of the container or initContainer names in the pod template';
    errors.push(invalid(`${path}.containerName`, containerName, detail));
  }
  if (values.length === 0) errors.push(invalid(`${path}.values`, values, 'at least one value is required'));
  if (values.length > maxExitCodes) errors.push(tooMany(`${path}.values`, values.length, maxExitCodes));
  const seen = new Set<number>();
  eachAt(`${path}.values`, values, (at, value, index) => {
    if (seen.has(value)) errors.push(duplicate(at, value));
    if (index > 0 && (values[index - 1] ?? 0) > value)
      errors.push(invalid(`${path}.values`, values, 'must be ordered'));
    if (operator === 'In' && value === 0) {
      errors.push(invalid(at, value, 'must not be 0 for the In operator'));
    }
    seen.add(value);
  });
}

/** When an indexed job is done before all indexes are. */
export function checkSuccessPolicy(errors: FieldError[], path: string, spec: JobSpec): void {
  if (spec.completionMode !== 'Indexed') {
    errors.push(invalid(path, spec.successPolicy, 'requires indexed completion mode'));
    return;
  }
  const rules = spec.successPolicy?.rules ?? [];
  if (rules.length === 0)
    errors.push(required(`${path}.rules`, 'at least one rules must be specified when the successPolicy is specified'));
  if (rules.length > maxRules) errors.push(tooMany(`${path}.rules`, rules.length, maxRules));
  eachAt(`${path}.rules`, rules, (at, { succeededCount, succeededIndexes }) => {
    if (succeededCount === undefined && succeededIndexes === undefined) {
      errors.push(required(at, 'at least one of succeededCount or succeededIndexes must be specified'));
    }
    const total =
      succeededIndexes === undefined
        ? undefined
        : checkIndexes(errors, `${at}.succeededIndexes`, {
            text: succeededIndexes,
            completions: spec.completions ?? 0,
          });
    if (succeededCount === undefined) return;
    if (succeededCount < 0)
      errors.push(invalid(`${at}.succeededCount`, succeededCount, 'must be greater than or equal to 0'));
    const most = total ?? spec.completions ?? 0;
    if (succeededCount > most) {
      const what =
        total === undefined
          ? ' (the number of specified completions)'
          : ' (the number of indexes in the specified succeededIndexes field)';
      errors.push(invalid(`${at}.succeededCount`, succeededCount, `must be less than or equal to ${most}${what}`));
    }
  });
}

/** `1,3-5,7`: increasing numbers below `completions`; answers how many there are, undefined when wrong. */
export function checkIndexes(
  errors: FieldError[],
  path: string,
  { text, completions }: { text: string; completions: number },
): number | undefined {
  if (text.length > maxIndexText) {
    errors.push({
      reason: 'FieldValueTooLong',
      field: path,
      message: `Too long: may not be more than ${maxIndexText} bytes`,
    });
    return undefined;
  }
  let last = -1;
  let total = 0;
  for (const part of text === '' ? [] : text.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    const first = Number(match?.[1]);
    const end = match?.[2] === undefined ? first : Number(match[2]);
    const fine = match && first > last && end >= first && (match[2] === undefined || end > first) && end < completions;
    if (!fine) {
      errors.push(invalid(path, text, `error parsing succeededIndexes: cannot parse ${JSON.stringify(part)}`));
      return undefined;
    }
    total += end - first + 1;
    last = end;
  }
  return total;
}
