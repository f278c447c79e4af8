import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { LimitRange, LimitRangeItem, Quantity } from '../../types.ts';
import { createdAtColumn, nameColumn } from '../columns.ts';
import { duplicate, forbidden, invalid, pushInvalid, required } from '../field-error.ts';
import { checkQualifiedName } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { parseNano } from '../quantity.ts';
import { checkContainerResourceName, checkResourceName, mayOvercommit } from '../resources.ts';

const standardTypes: ReadonlySet<string> = new Set(['Pod', 'Container', 'PersistentVolumeClaim']);
const parts = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;
const one = 1_000_000_000n;

function defaults(draft: LimitRange): void {
  for (const limit of draft.spec?.limits ?? []) {
    if (limit.type !== 'Container') continue;
    limit.default ??= {};
    limit.defaultRequest ??= {};
    fill(limit.default, limit.max);
    fill(limit.defaultRequest, limit.default);
    fill(limit.defaultRequest, limit.min);
  }
}

function fill(target: Record<string, Quantity>, source: Record<string, Quantity> | undefined): void {
  for (const name in source) target[name] ??= source[name]!;
}

function validate(object: LimitRange): FieldError[] {
  const errors: FieldError[] = [];
  const types = new Set<string>();
  eachAt('spec.limits', object.spec?.limits, (at, limit) => {
    const messages = [...checkQualifiedName(limit.type)];
    const isKnown = limit.type.includes('/') || standardTypes.has(limit.type);
    if (messages.length === 0 && !isKnown) messages.push('must be a standard limit type or fully qualified');
    pushInvalid(errors, `${at}.type`, limit.type, messages);
    if (types.has(limit.type)) errors.push(duplicate(`${at}.type`, limit.type));
    types.add(limit.type);
    checkItem(errors, at, limit);
  });
  return errors;
}

function checkItem(errors: FieldError[], path: string, limit: LimitRangeItem): void {
  const pod = limit.type === 'Pod';
  const checkName = pod || limit.type === 'Container' ? checkContainerResourceName : checkResourceName;
  const names = new Set<string>();
  for (const part of parts) {
    if (pod && (part === 'default' || part === 'defaultRequest')) {
      if (Object.keys(limit[part] ?? {}).length === 0) continue;
      errors.push(forbidden(`${path}.${part}`, "may not be specified when `type` is 'Pod'"));
      continue;
    }
    for (const name in limit[part]) {
      checkName(errors, `${path}.${part}[${name}]`, name);
      names.add(name);
    }
  }
  if (limit.type === 'PersistentVolumeClaim' && !limit.min?.storage && !limit.max?.storage) {
    const detail = 'either minimum or maximum storage value is required, but neither was provided';
    errors.push(required(`${path}.limits`, detail));
  }
  const { default: _limits, defaultRequest: _requests, ...bounds } = limit;
  for (const name of names) checkOrder(errors, path, { limit: pod ? bounds : limit, name });
}

/** Which of two bounds may not be above which other, where upstream says so, whose value it repeats, and in which words. */
const orders = [
  ['min', 'max', 'min', 'min', 'min value', 'max value'],
  ['min', 'defaultRequest', 'defaultRequest', 'defaultRequest', 'min value', 'default request value'],
  ['defaultRequest', 'max', 'defaultRequest', 'defaultRequest', 'default request value', 'max value'],
  ['defaultRequest', 'default', 'defaultRequest', 'defaultRequest', 'default request value', 'default limit value'],
  ['min', 'default', 'default', 'min', 'min value', 'default value'],
  ['default', 'max', 'default', 'max', 'default value', 'max value'],
] as const;

function checkOrder(
  errors: FieldError[],
  path: string,
  { limit, name }: { limit: LimitRangeItem; name: string },
): void {
  for (const [low, high, field, shown, lowName, highName] of orders) {
    const lower = limit[low]?.[name];
    const upper = limit[high]?.[name];
    if (lower === undefined || upper === undefined || (parseNano(lower) ?? 0n) <= (parseNano(upper) ?? 0n)) continue;
    const detail = `${lowName} ${lower} is greater than ${highName} ${upper}`;
    errors.push(invalid(`${path}.${field}[${name}]`, limit[shown]?.[name], detail));
  }
  checkRatio(errors, path, { limit, name });
  checkOvercommit(errors, path, { limit, name });
}

function checkRatio(
  errors: FieldError[],
  path: string,
  { limit, name }: { limit: LimitRangeItem; name: string },
): void {
  const ratio = limit.maxLimitRequestRatio?.[name];
  if (ratio === undefined) return;
  const field = `${path}.maxLimitRequestRatio[${name}]`;
  const value = parseNano(ratio) ?? 0n;
  if (value < one) errors.push(invalid(field, ratio, `ratio ${ratio} is less than 1`));
  const [min, max] = [parseNano(limit.min?.[name] ?? ''), parseNano(limit.max?.[name] ?? '')];
  if (min === undefined || max === undefined || min === 0n) return;
  const most = Number(max) / Number(min);
  if (Number(value) / Number(one) > most) {
    errors.push(invalid(field, ratio, `ratio ${ratio} is greater than max/min = ${most.toFixed(6)}`));
  }
}

/** Devices and huge pages are requested as they are limited. */
function checkOvercommit(
  errors: FieldError[],
  path: string,
  { limit, name }: { limit: LimitRangeItem; name: string },
): void {
  const most = limit.default?.[name];
  const request = limit.defaultRequest?.[name];
  if (most === undefined || request === undefined || mayOvercommit(name) || parseNano(most) === parseNano(request))
    return;
  const detail = `default value ${most} must equal to defaultRequest value ${request} in ${name}`;
  errors.push(invalid(`${path}.defaultRequest[${name}]`, request, detail));
}

export const limitRange: KindBehaviour<LimitRange> = {
  shortNames: ['limits'],
  defaults,
  prepareCreate({ metadata }) {
    // As upstream, of all kinds only here.
    if (metadata.uid) metadata.name ||= metadata.uid;
  },
  validateCreate: validate,
  validateUpdate: validate,
  columns: [nameColumn, createdAtColumn],
  createOnUpdate: true,
};
