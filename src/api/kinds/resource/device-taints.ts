import type { FieldError } from '../../kind.ts';
import type { DeviceTaint, DeviceToleration } from '../../types.ts';
import { invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkLabelValue, checkQualifiedName } from '../name-rules.ts';

const effects: readonly string[] = ['NoExecute', 'NoSchedule', 'None'];
const operators: readonly string[] = ['Equal', 'Exists'];

export function checkDeviceTaint(errors: FieldError[], path: string, { key, value, effect }: DeviceTaint): void {
  pushInvalid(errors, `${path}.key`, key, checkQualifiedName(key));
  if (value) pushInvalid(errors, `${path}.value`, value, checkLabelValue(value));
  if (!effect) errors.push(required(`${path}.effect`));
  else if (!effects.includes(effect)) errors.push(notSupported(`${path}.effect`, effect, effects));
}

export function checkDeviceToleration(errors: FieldError[], path: string, toleration: DeviceToleration): void {
  const { key, value = '', operator, effect } = toleration;
  if (key) pushInvalid(errors, `${path}.key`, key, checkQualifiedName(key));
  if (operator === 'Exists') {
    if (value) errors.push(invalid(`${path}.value`, value, 'must be empty for operator `Exists`'));
  } else if (operator === 'Equal') pushInvalid(errors, `${path}.value`, value, checkLabelValue(value));
  else if (!operator) errors.push(required(`${path}.operator`));
  else errors.push(notSupported(`${path}.operator`, operator, operators));
  if (effect && !effects.includes(effect)) errors.push(notSupported(`${path}.effect`, effect, effects));
}
