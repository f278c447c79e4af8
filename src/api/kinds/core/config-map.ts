import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { ConfigMap } from '../../types.ts';
import { byteLength, decodedLength } from '../base64.ts';
import { ageColumn, count, nameColumn } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { forbidden, invalid, pushInvalid, tooLong } from '../field-error.ts';
import { checkConfigKey } from '../name-rules.ts';

/** Upstream's limit for the values of a ConfigMap or Secret together. */
export const maxDataBytes = 1024 * 1024;

const immutableMessage = 'field is immutable when `immutable` is set';

function validate(object: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let total = 0;
  for (const key in object.data) {
    const messages = checkConfigKey(key);
    if (messages.length > 0) pushInvalid(errors, `data[${key}]`, key, messages);
    if (object.binaryData && key in object.binaryData) {
      errors.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    }
    total += byteLength(object.data[key]!);
  }
  for (const key in object.binaryData) {
    const messages = checkConfigKey(key);
    if (messages.length > 0) pushInvalid(errors, `binaryData[${key}]`, key, messages);
    total += decodedLength(object.binaryData[key]!);
  }
  if (total > maxDataBytes) errors.push(tooLong('', maxDataBytes));
  return errors;
}

/** An object with `immutable: true` keeps it, and keeps its content. Shared with Secret. */
export function checkImmutable<T extends { immutable?: boolean | undefined }>(
  object: T,
  old: T,
  fields: readonly (keyof T & string)[],
): FieldError[] {
  if (!old.immutable) return [];
  const errors: FieldError[] = [];
  if (!object.immutable) errors.push(forbidden('immutable', immutableMessage));
  for (const field of fields) {
    if (!semanticallyEqual(object[field] ?? {}, old[field] ?? {})) errors.push(forbidden(field, immutableMessage));
  }
  return errors;
}

export const configMap: KindBehaviour<ConfigMap> = {
  shortNames: ['cm'],
  validateCreate: validate,
  validateUpdate: (object, old) => [...checkImmutable(object, old, ['data', 'binaryData']), ...validate(object)],
  columns: [
    nameColumn,
    {
      ...count<ConfigMap>(
        'Data',
        'Number of entries.',
        o => Object.keys(o.data ?? {}).length + Object.keys(o.binaryData ?? {}).length,
      ),
      type: 'string',
    },
    ageColumn,
  ],
};
