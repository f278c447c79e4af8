import type { FieldError } from '../../kind.ts';
import type { OpaqueDeviceConfiguration } from '../../types.ts';
import { invalid, required, tooLong } from '../field-error.ts';
import { checkDriverName } from '../volumes.ts';
import { maxParameters } from './device-limits.ts';

/** Parameters that only the driver knows. `stored`: as before, so that their size is not judged again. */
export function checkDeviceConfig(
  errors: FieldError[],
  path: string,
  { opaque, stored = false }: { opaque: OpaqueDeviceConfiguration | undefined; stored?: boolean },
): void {
  if (!opaque) return void errors.push(required(`${path}.opaque`));
  checkDriverName(errors, `${path}.opaque.driver`, opaque.driver);
  checkRawObject(errors, `${path}.opaque.parameters`, { value: opaque.parameters, stored, maxBytes: maxParameters });
}

/** Any JSON object, not too large. */
export function checkRawObject(
  errors: FieldError[],
  path: string,
  { value, stored, maxBytes }: { value: unknown; stored: boolean; maxBytes: number },
): void {
  if (value === undefined || value === null) errors.push(required(path));
  else if (!stored && Buffer.byteLength(JSON.stringify(value)) > maxBytes) errors.push(tooLong(path, maxBytes));
  else if (typeof value !== 'object' || Array.isArray(value)) {
    errors.push(invalid(path, '<value omitted>', 'must be a valid JSON object'));
  }
}
