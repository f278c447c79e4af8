import type { FieldError } from '../kind.ts';
import { invalid } from '../kinds/field-error.ts';

/** Where the parts of a Scale stand in a custom resource: dotted paths without a leading dot. */
export interface ScalePaths {
  readonly specReplicas: string;
  readonly statusReplicas: string;
  readonly labelSelector: string | undefined;
}

const maxReplicas = 2 ** 31 - 1;

/** The value at a dotted path; undefined when it, or something above it, is missing. */
export function valueAt(object: unknown, path: string): unknown {
  let value = object;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** The numbers and the selector that a Scale is made of. Source: registry/customresource/validator.go. */
export function validateScale(
  object: unknown,
  paths: ScalePaths,
  parts: { spec: boolean; status: boolean },
): FieldError[] {
  const errors: FieldError[] = [];
  if (parts.spec) checkReplicas(errors, object, paths.specReplicas);
  if (parts.status) {
    checkReplicas(errors, object, paths.statusReplicas);
    if (paths.labelSelector) checkSelector(errors, object, paths.labelSelector);
  }
  return errors;
}

function checkReplicas(errors: FieldError[], object: unknown, path: string): void {
  const value = valueAt(object, path);
  const field = `.${path}`;
  if (value === undefined) return;
  if (typeof value !== 'number' || !Number.isInteger(value))
    errors.push(invalid(field, 0, accessError(field, value, 'int64')));
  else if (value < 0) errors.push(invalid(field, value, 'should be a non-negative integer'));
  else if (value > maxReplicas) errors.push(invalid(field, value, `should be less than or equal to ${maxReplicas}`));
}

function checkSelector(errors: FieldError[], object: unknown, path: string): void {
  const value = valueAt(object, path);
  const field = `.${path}`;
  if (value !== undefined && typeof value !== 'string')
    errors.push(invalid(field, '', accessError(field, value, 'string')));
}

function accessError(field: string, value: unknown, wanted: string): string {
  const shown = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return `${field} accessor error: ${value === null ? '<nil>' : shown} is of the type ${goType(value)}, expected ${wanted}`;
}

function goType(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  if (typeof value === 'boolean') return 'bool';
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  return typeof value === 'object' ? 'map[string]interface {}' : typeof value;
}
