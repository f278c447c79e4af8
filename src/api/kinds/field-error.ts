import type { FieldError } from '../kind.ts';

/** The value is missing. */
export function required(field: string, detail = ''): FieldError {
  return { reason: 'FieldValueRequired', field, message: withDetail('Required value', detail) };
}

/** The value breaks a rule; it is quoted in the message. */
export function invalid(field: string, value: unknown, detail: string): FieldError {
  return { reason: 'FieldValueInvalid', field, message: withDetail(`Invalid value: ${quote(value)}`, detail) };
}

/** As invalid, where upstream leaves the value out. */
export function invalidUnquoted(field: string, detail: string): FieldError {
  return { reason: 'FieldValueInvalid', field, message: withDetail('Invalid value', detail) };
}

/** The value is not one of the allowed ones; callers give them in the order in which upstream lists them. */
export function notSupported(field: string, value: unknown, allowed: readonly string[]): FieldError {
  const detail = allowed.length > 0 ? `supported values: ${allowed.map(quote).join(', ')}` : '';
  return { reason: 'FieldValueNotSupported', field, message: withDetail(`Unsupported value: ${quote(value)}`, detail) };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { reason: 'FieldValueDuplicate', field, message: `Duplicate value: ${quote(value)}` };
}

export function notFound(field: string, value: unknown): FieldError {
  return { reason: 'FieldValueNotFound', field, message: `Not found: ${quote(value)}` };
}

export function forbidden(field: string, detail: string): FieldError {
  return { reason: 'FieldValueForbidden', field, message: withDetail('Forbidden', detail) };
}

/** The value has more than `maxBytes`; it is not repeated. */
export function tooLong(field: string, maxBytes: number): FieldError {
  const unit = maxBytes === 1 ? 'byte' : 'bytes';
  return { reason: 'FieldValueTooLong', field, message: `Too long: may not be more than ${maxBytes} ${unit}` };
}

export function tooMany(field: string, count: number, max: number): FieldError {
  const unit = max === 1 ? 'item' : 'items';
  return {
    reason: 'FieldValueTooMany',
    field,
    message: `Too many: ${count}: must have at most ${max} ${unit}`,
  };
}

/** One FieldValueInvalid for each message of a name rule. */
export function pushInvalid(errors: FieldError[], field: string, value: unknown, messages: readonly string[]): void {
  for (const message of messages) errors.push(invalid(field, value, message));
}

/** Upstream's text of a range rule. */
export function rangeMessage(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

export const immutableMessage = 'field is immutable';
export const nonNegativeMessage = 'must be greater than or equal to 0';

/** Integers (or missing values) below zero are wrong. */
export function checkNonNegative(errors: FieldError[], field: string, value: number | undefined): void {
  if (value !== undefined && value < 0) errors.push(invalid(field, value, nonNegativeMessage));
}

/** Strings and objects as JSON, numbers and booleans plain, missing values as null: what Go prints. */
function quote(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value);
}

function withDetail(text: string, detail: string): string {
  return detail ? `${text}: ${detail}` : text;
}
