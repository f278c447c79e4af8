import type { FieldError } from '../../kind.ts';
import { invalid, pushInvalid, required, tooLong } from '../field-error.ts';
import { checkQualifiedName } from '../name-rules.ts';

const maxParameters = 512;
const maxParameterBytes = 256 * 1024;

/** What a class tells its driver. Source: storage/validation validateParameters. */
export function checkParameters(errors: FieldError[], path: string, parameters: Record<string, string>): void {
  const entries = Object.entries(parameters);
  if (entries.length > maxParameters) return void errors.push(tooLong(path, maxParameters));
  for (const [key] of entries) if (key === '') errors.push(invalid(path, key, 'field can not be empty.'));
  if (sizeOf(entries) > maxParameterBytes) errors.push(tooLong(path, maxParameterBytes));
}

export function sizeOf(entries: readonly (readonly [string, string])[]): number {
  return entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
}

/** Who makes the volumes of a class. */
export function checkProvisioner(errors: FieldError[], path: string, name = ''): void {
  if (!name) errors.push(required(path));
  else pushInvalid(errors, path, name.toLowerCase(), checkQualifiedName(name.toLowerCase()));
}
