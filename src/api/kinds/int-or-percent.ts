import type { FieldError } from '../kind.ts';
import type { IntOrString } from '../types.ts';
import { checkNonNegative, invalid, pushInvalid } from './field-error.ts';
import { checkPercent } from './name-rules.ts';

/** `3` or `25%`. */
export function checkIntOrPercent(errors: FieldError[], path: string, value: IntOrString): void {
  if (typeof value === 'string') pushInvalid(errors, path, value, checkPercent(value));
  else checkNonNegative(errors, path, value);
}

/** A percentage is at most 100. */
export function checkAtMostAll(errors: FieldError[], path: string, value: IntOrString): void {
  const percent = percentOf(value);
  if (percent !== undefined && percent > 100) errors.push(invalid(path, value, 'must not be greater than 100%'));
}

/** True for `0` and `0%`. */
export function isZero(value: IntOrString | undefined): boolean {
  return value === undefined || value === 0 || percentOf(value) === 0;
}

function percentOf(value: IntOrString): number | undefined {
  if (typeof value !== 'string' || checkPercent(value).length > 0) return undefined;
  return Number(value.slice(0, -1));
}
