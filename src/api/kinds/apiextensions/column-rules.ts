import { readFieldPath } from '../../custom/field-path.ts';
import type { Schema } from '../../custom/schema.ts';
import type { FieldError } from '../../kind.ts';
import type { CustomResourceColumnDefinition, CustomResourceSubresources, SelectableField } from '../../types.ts';
import { duplicate, invalid, required, tooMany } from '../field-error.ts';
import { eachAt } from '../paths.ts';

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
/** Every one is computed for every object. */
const maxSelectableFields = 8;

export function checkColumns(
  errors: FieldError[],
  path: string,
  columns: readonly CustomResourceColumnDefinition[] | undefined,
): void {
  eachAt(path, columns, (at, { name, type, format, jsonPath }) => {
    const oneOf = `must be one of ${columnTypes.join(',')}`;
    if (!name) errors.push(required(`${at}.name`));
    if (!type) errors.push(required(`${at}.type`, oneOf));
    else if (!columnTypes.includes(type)) errors.push(invalid(`${at}.type`, type, oneOf));
    if (format && !columnFormats.includes(format)) {
      errors.push(invalid(`${at}.format`, format, `must be one of ${columnFormats.join(',')}`));
    }
    if (jsonPath) checkSimplePath(errors, `${at}.JSONPath`, jsonPath);
    else errors.push(required(`${at}.JSONPath`));
  });
}

/** True when the path is fine. */
function checkSimplePath(errors: FieldError[], field: string, path: string): boolean {
  if (path.startsWith('.')) return true;
  errors.push(invalid(field, path, 'must be a simple json path starting with .'));
  return false;
}

/** Scale: where its numbers stand. */
export function checkSubresources(
  errors: FieldError[],
  path: string,
  subresources: CustomResourceSubresources | undefined,
): void {
  const scale = subresources?.scale;
  if (!scale) return;
  const rules = [
    ['specReplicasPath', '.spec', scale.specReplicasPath],
    ['statusReplicasPath', '.status', scale.statusReplicasPath],
  ] as const;
  for (const [name, prefix, value] of rules) {
    const field = `${path}.scale.${name}`;
    if (!value) errors.push(required(field));
    else if (checkSimplePath(errors, field, value) && !value.startsWith(`${prefix}.`)) {
      errors.push(invalid(field, value, `should be a json path under ${prefix}`));
    }
  }
  const selector = scale.labelSelectorPath;
  const field = `${path}.scale.labelSelectorPath`;
  if (!selector || !checkSimplePath(errors, field, selector)) return;
  if (selector.startsWith('.spec.') || selector.startsWith('.status.')) return;
  errors.push(invalid(field, selector, 'should be a json path under either .spec or .status'));
}

/** `mayBeMany`: there were too many before, and they have not changed. */
export function checkSelectableFields(
  errors: FieldError[],
  path: string,
  { fields, schema, mayBeMany }: { fields: readonly SelectableField[]; schema: Schema; mayBeMany: boolean },
): void {
  const known = new Set<string>();
  eachAt(path, fields, (at, { jsonPath }) => {
    const field = `${at}.jsonPath`;
    if (!jsonPath) {
      errors.push(required(field));
      return;
    }
    const found = readFieldPath(jsonPath, schema, { allowBrackets: false });
    if ('error' in found) {
      errors.push(invalid(field, jsonPath, `is an invalid path: ${found.error}`));
      return;
    }
    if (found.root === 'metadata') errors.push(invalid(field, jsonPath, 'must not point to fields in metadata'));
    if (!selectableTypes.has(found.schema.type ?? '')) errors.push(invalid(field, jsonPath, wrongType));
    if (known.has(found.path)) errors.push(duplicate(field, jsonPath));
    known.add(found.path);
  });
  if (known.size > maxSelectableFields && !mayBeMany) errors.push(tooMany(path, known.size, maxSelectableFields));
}

const selectableTypes: ReadonlySet<string> = new Set(['string', 'boolean', 'integer']);
const wrongType =
  'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
