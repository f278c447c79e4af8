import type { FieldError, FieldValidation } from '#api';
import { isTrue } from '#wire';
import { invalidOptions } from '../errors.ts';

export type { FieldValidation };

/** Query parameters of create, update and patch. */
export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  /** Only for apply patches: take fields over. */
  readonly force: boolean | undefined;
}

const maxManagerBytes = 128;
const validations = ['Ignore', 'Warn', 'Strict'];

/** Reads and checks the parameters. `kind` is CreateOptions, UpdateOptions or PatchOptions, for messages. Throws 422. */
export function parseWriteOptions(query: URLSearchParams, kind: string): WriteOptions {
  if (query.size === 0) return plainWrite;
  const errors: FieldError[] = [];
  const dryRun = query.getAll('dryRun');
  checkDryRun(errors, dryRun);
  const fieldManager = query.get('fieldManager') ?? '';
  checkManager(errors, fieldManager);
  const fieldValidation = query.get('fieldValidation') ?? '';
  if (fieldValidation !== '' && !validations.includes(fieldValidation)) {
    errors.push(notSupported('fieldValidation', fieldValidation, validations));
  }
  const force = query.has('force') ? isTrue(query.get('force')) : undefined;
  if (errors.length > 0) throw invalidOptions(kind, errors);
  return {
    dryRun: dryRun.length > 0,
    fieldManager,
    fieldValidation: (fieldValidation || 'Warn') as FieldValidation,
    force,
  };
}

const plainWrite: WriteOptions = { dryRun: false, fieldManager: '', fieldValidation: 'Warn', force: undefined };

/** Only `All` means something. */
export function checkDryRun(errors: FieldError[], values: readonly string[]): void {
  const unknown = values.filter(value => value !== 'All');
  for (const value of unknown) errors.push(notSupported('dryRun', value, ['All']));
}

function checkManager(errors: FieldError[], manager: string): void {
  const field = 'fieldManager';
  if (Buffer.byteLength(manager) > maxManagerBytes) {
    const message = `Too long: may not be more than ${maxManagerBytes} bytes`;
    errors.push({ reason: 'FieldValueTooLong', field, message });
  }
  if (/\p{C}/u.test(manager)) {
    const message = `Invalid value: ${JSON.stringify(manager)}: should only contain printable characters`;
    errors.push({ reason: 'FieldValueInvalid', field, message });
  }
}

function notSupported(field: string, value: string, allowed: readonly string[]): FieldError {
  const values = allowed.map(text => JSON.stringify(text)).join(', ');
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${values}`;
  return { reason: 'FieldValueNotSupported', field, message };
}

/** Who a write is attributed to: what the client says, or the name of its program. */
export function managerOf(options: WriteOptions, userAgent: string | undefined): string {
  if (options.fieldManager) return options.fieldManager;
  return (userAgent ?? '').split('/')[0]!.slice(0, maxManagerBytes) || 'unknown';
}
