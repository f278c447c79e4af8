import type { FieldError } from '../../kind.ts';
import type { JobSpec, PodFailurePolicyRule, SuccessPolicyRule } from '../../types.ts';
import {
  checkNonNegative,
  duplicate,
  invalid,
  invalidUnquoted,
  notSupported,
  pushInvalid,
  required,
  tooLong,
  tooMany,
} from '../field-error.ts';
import { checkQualifiedName } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { parseIndexes } from './job-indexes.ts';

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
      errors.push(
        rule.action
          ? notSupported(`${at}.action`, rule.action, actions)
          : required(`${at}.action`, validValues(actions)),
      );
    }
    if (rule.action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) {
      errors.push(invalid(`${at}.action`, rule.action, 'requires the backoffLimitPerIndex to be set'));
    }
    if (rule.onExitCodes) checkExitCodes(errors, `${at}.onExitCodes`, { codes: rule.onExitCodes, containers });
    checkPatterns(errors, `${at}.onPodConditions`, rule);
    const conditions = rule.onPodConditions?.length ?? 0;
    if (rule.onExitCodes && conditions > 0) {
      errors.push(invalidUnquoted(at, 'specifying both OnExitCodes and OnPodConditions is not supported'));
    } else if (!rule.onExitCodes && conditions === 0) {
      errors.push(invalidUnquoted(at, 'specifying one of OnExitCodes and OnPodConditions is required'));
    }
  });
}

function checkPatterns(errors: FieldError[], path: string, rule: PodFailurePolicyRule): void {
  const patterns = rule.onPodConditions ?? [];
  if (patterns.length > maxPatterns) errors.push(tooMany(path, patterns.length, maxPatterns));
  eachAt(path, patterns, (at, { type, status = '' }) => {
    pushInvalid(errors, `${at}.type`, type ?? '', checkQualifiedName(type ?? ''));
    if (!status) errors.push(required(`${at}.status`, validValues(statuses)));
    else if (!statuses.includes(status)) errors.push(notSupported(`${at}.status`, status, statuses));
  });
}

function checkExitCodes(
  errors: FieldError[],
  path: string,
  { codes, containers }: { codes: NonNullable<PodFailurePolicyRule['onExitCodes']>; containers: ReadonlySet<string> },
): void {
  const { operator = '', values = [], containerName } = codes;
  if (!operator) errors.push(required(`${path}.operator`, validValues(operators)));
  else if (!operators.includes(operator)) errors.push(notSupported(`${path}.operator`, operator, operators));
  if (containerName !== undefined && !containers.has(containerName)) {
    const detail = 'must be one of the container or initContainer names in the pod template';
    errors.push(invalid(`${path}.containerName`, containerName, detail));
  }
  if (values.length === 0) errors.push(invalid(`${path}.values`, values, 'at least one value is required'));
  else if (values.length > maxExitCodes) errors.push(tooMany(`${path}.values`, values.length, maxExitCodes));
  const seen = new Set<number>();
  eachAt(`${path}.values`, values, (at, value) => {
    if (operator === 'In' && value === 0) {
      errors.push(invalid(at, value, 'must not be 0 for the In operator'));
    }
    if (seen.has(value)) errors.push(duplicate(at, value));
    seen.add(value);
  });
  if (values.some((value, index) => index > 0 && values[index - 1]! > value)) {
    errors.push(invalid(`${path}.values`, values, 'must be ordered'));
  }
}

/** Upstream's list of what would be right, as Go prints a list of strings. */
function validValues(values: readonly string[]): string {
  return `valid values: [${values.map(value => JSON.stringify(value)).join(' ')}]`;
}

/** When an indexed job is done before all indexes are. */
export function checkSuccessPolicy(errors: FieldError[], path: string, spec: JobSpec): void {
  if (spec.completionMode !== 'Indexed') {
    return void errors.push(invalid(path, spec.successPolicy, 'requires indexed completion mode'));
  }
  const rules = spec.successPolicy?.rules ?? [];
  if (rules.length === 0)
    errors.push(required(`${path}.rules`, 'at least one rules must be specified when the successPolicy is specified'));
  if (rules.length > maxRules) errors.push(tooMany(`${path}.rules`, rules.length, maxRules));
  eachAt(`${path}.rules`, rules, (at, rule) =>
    checkSuccessRule(errors, at, { rule, completions: spec.completions ?? 0 }),
  );
}

function checkSuccessRule(
  errors: FieldError[],
  at: string,
  { rule, completions }: { rule: SuccessPolicyRule; completions: number },
): void {
  const { succeededCount: count, succeededIndexes: text } = rule;
  if (count === undefined && text === undefined) {
    errors.push(required(at, 'at least one of succeededCount or succeededIndexes must be specified'));
  }
  const indexes = text === undefined ? undefined : parseIndexes(text, completions);
  if (text !== undefined && text.length > maxIndexText) errors.push(tooLong(`${at}.succeededIndexes`, maxIndexText));
  if (indexes?.problem) {
    errors.push(invalid(`${at}.succeededIndexes`, text, `error parsing succeededIndexes: ${indexes.problem}`));
  }
  if (count === undefined) return;
  const path = `${at}.succeededCount`;
  checkNonNegative(errors, path, count);
  const most = 'must be less than or equal to';
  if (count > completions) {
    errors.push(invalid(path, count, `${most} ${completions} (the number of specified completions)`));
  }
  if (indexes && count > indexes.total) {
    const what = 'the number of indexes in the specified succeededIndexes field';
    errors.push(invalid(path, count, `${most} ${indexes.total} (${what})`));
  }
}
