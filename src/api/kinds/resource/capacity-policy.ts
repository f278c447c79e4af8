import type { FieldError } from '../../kind.ts';
import type { CapacityRequestPolicy, CapacityRequestPolicyRange, DeviceCapacity } from '../../types.ts';
import { forbidden, invalid, required } from '../field-error.ts';
import { eachAt } from '../paths.ts';
import { parseNano } from '../quantity.ts';
import { maxValidValues } from './device-limits.ts';
import { eachUnique } from './device-names.ts';

const amount = (text: string): bigint => parseNano(text) ?? 0n;

/** How a capacity may be shared out: only of devices that can be allocated more than once. */
export function checkCapacity(
  errors: FieldError[],
  path: string,
  { capacity, shared }: { capacity: DeviceCapacity; shared: boolean },
): void {
  const { requestPolicy: policy, value } = capacity;
  if (!policy) return;
  const at = `${path}.requestPolicy`;
  if (!shared) return void errors.push(forbidden(at, 'allowMultipleAllocations must be true'));
  const values = policy.validValues ?? [];
  if (values.length > 0 && policy.validRange) {
    const both = 'cannot specify "validValues" and "validRange" at the same time';
    errors.push(forbidden(at, `exactly one policy can be specified, ${both}`));
  } else if (values.length > 0) checkValues(errors, at, { policy, values, value });
  else if (policy.validRange) checkRange(errors, at, { policy, range: policy.validRange, value });
}

function checkValues(
  errors: FieldError[],
  at: string,
  { policy, values, value }: { policy: CapacityRequestPolicy; values: readonly string[]; value: string },
): void {
  const chosen = policy.default;
  if (chosen === undefined) {
    return void errors.push(required(`${at}.default`, 'required when validValues is defined'));
  }
  const path = `${at}.validValues`;
  eachAt(path, values, (itemPath, item, index) => {
    if (index === 0 || amount(values[index - 1]!) <= amount(item)) return;
    errors.push(invalid(itemPath, item, 'values must be sorted in ascending order'));
  });
  eachUnique(errors, path, {
    list: values,
    max: maxValidValues,
    keyOf: item => String(amount(item)),
    check(itemPath, item) {
      if (amount(item) <= amount(value)) return;
      errors.push(invalid(itemPath, item, `option is larger than capacity value: ${value}`));
    },
  });
  if (!values.some(item => amount(item) === amount(chosen))) {
    errors.push(invalid(path, chosen, 'default value is not valid according to the requestPolicy'));
  }
}

function checkRange(
  errors: FieldError[],
  at: string,
  about: { policy: CapacityRequestPolicy; range: CapacityRequestPolicyRange; value: string },
): void {
  const { policy, range, value } = about;
  const chosen = policy.default;
  if (chosen === undefined) {
    return void errors.push(required(`${at}.default`, 'required when validRange is defined'));
  }
  const path = `${at}.validRange`;
  const { min, max } = range;
  if (!min) return void errors.push(required(`${path}.min`, 'required when validRange is defined'));
  const refuse = (part: string, shown: string, detail: string) =>
    errors.push(invalid(`${path}.${part}`, shown, detail));
  if (amount(min) > amount(value)) refuse('min', min, `min is larger than capacity value: ${value}`);
  if (amount(chosen) < amount(min)) refuse('default', chosen, `default is less than min: ${min}`);
  if (max !== undefined) {
    if (amount(min) > amount(max)) refuse('max', min, `min is larger than max: ${max}`);
    if (amount(max) > amount(value)) refuse('max', max, `max is larger than capacity value: ${value}`);
    if (amount(chosen) > amount(max)) refuse('default', chosen, `default is more than max: ${max}`);
  }
  checkStep(errors, path, { range, chosen, value });
}

function checkStep(
  errors: FieldError[],
  path: string,
  { range, chosen, value }: { range: CapacityRequestPolicyRange; chosen: string; value: string },
): void {
  const { min, max, step } = range;
  if (step === undefined) return;
  const at = `${path}.step`;
  const width = amount(step);
  if (width <= 0n) return void errors.push(invalid(at, step, 'must be greater than zero'));
  if (amount(min) + width > amount(value)) {
    errors.push(invalid(at, step, `one step is larger than capacity value: ${value}`));
  }
  for (const item of max === undefined ? [chosen] : [chosen, max]) {
    if ((amount(item) - amount(min)) % width === 0n) continue;
    errors.push(invalid(at, item, `value is not a multiple of a given step (${step}) from (${min})`));
  }
}
