import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { IPAddress } from '../../types.ts';
import { checkCanonicalAddress } from '../addresses.ts';
import { nameColumn, text } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { immutableMessage, invalid, pushInvalid, required } from '../field-error.ts';
import { checkPathSegment, checkSubdomain } from '../name-rules.ts';

function validate(object: IPAddress): FieldError[] {
  const errors: FieldError[] = [];
  checkCanonicalAddress(errors, 'metadata.name', object.metadata.name);
  const parent = object.spec?.parentRef;
  if (!parent) return [...errors, required('spec.parentRef')];
  if (parent.group) pushInvalid(errors, 'spec.parentRef.group', parent.group, checkSubdomain(parent.group));
  for (const field of ['resource', 'name'] as const) {
    const value = parent[field];
    if (!value) errors.push(required(`spec.parentRef.${field}`));
    else pushInvalid(errors, `spec.parentRef.${field}`, value, checkPathSegment(value));
  }
  if (parent.namespace) {
    pushInvalid(errors, 'spec.parentRef.namespace', parent.namespace, checkPathSegment(parent.namespace));
  }
  return errors;
}

function formatParent(object: IPAddress): string {
  const parent = object.spec?.parentRef;
  if (!parent) return '<none>';
  const resource = (parent.group ? `${parent.resource}.${parent.group}` : parent.resource).toLowerCase();
  return [resource, parent.namespace, parent.name].filter(Boolean).join('/');
}

export const ipAddress: KindBehaviour<IPAddress> = {
  shortNames: ['ip'],
  nameRule: 'path',
  validateCreate: validate,
  validateUpdate(object, old) {
    const errors = validate(object);
    if (!semanticallyEqual(object.spec?.parentRef, old.spec?.parentRef)) {
      errors.push(invalid('spec.parentRef', object.spec?.parentRef, immutableMessage));
    }
    return errors;
  },
  columns: [nameColumn, text('ParentRef', 'What uses the address.', formatParent)],
};
