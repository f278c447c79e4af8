import type { FieldError } from '../kind.ts';
import { invalid } from './field-error.ts';

/** File modes: 0 to 0777. */
export function checkMode(errors: FieldError[], path: string, mode: number | undefined): void {
  if (mode !== undefined && (mode > 0o777 || mode < 0)) {
    errors.push(invalid(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive'));
  }
}

/** No `..` part anywhere. True when fine. */
export function checkNoBacksteps(errors: FieldError[], path: string, value: string): boolean {
  const fine = !value.includes('..') || !value.split('/').includes('..');
  if (!fine) errors.push(invalid(path, value, "must not contain '..'"));
  return fine;
}

/** A path inside some directory: relative, no way up. */
export function checkLocalPath(errors: FieldError[], path: string, value: string): void {
  if (value.startsWith('/')) errors.push(invalid(path, value, 'must be a relative path'));
  checkNoBacksteps(errors, path, value);
}

/** As checkLocalPath, and free of the `..data` names that atomic writers use. */
export function checkLocalFile(errors: FieldError[], path: string, value: string): void {
  checkLocalPath(errors, path, value);
  if (value.startsWith('..') && !value.startsWith('../')) {
    errors.push(invalid(path, value, "must not start with '..'"));
  }
}
