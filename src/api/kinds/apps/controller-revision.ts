import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { ControllerRevision } from '../../types.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { checkNonNegative, immutableMessage, invalid, required } from '../field-error.ts';

function validate(object: ControllerRevision): FieldError[] {
  const errors: FieldError[] = [];
  checkNonNegative(errors, 'revision', object.revision);
  return errors;
}

function validateCreate(object: ControllerRevision): FieldError[] {
  const errors = validate(object);
  const { data } = object as { data?: unknown };
  if (data == null) errors.push(required('data', 'data is mandatory'));
  else if (typeof data !== 'object' || Array.isArray(data)) {
    errors.push(required('data', 'data must be a valid JSON object'));
  }
  return errors;
}

function formatController(object: ControllerRevision): string {
  const owner = object.metadata.ownerReferences?.find(reference => reference.controller);
  if (!owner) return '<none>';
  const [group] = owner.apiVersion.includes('/') ? owner.apiVersion.split('/') : [''];
  return `${(group ? `${owner.kind}.${group}` : owner.kind).toLowerCase()}/${owner.name}`;
}

export const controllerRevision: KindBehaviour<ControllerRevision> = {
  validateCreate,
  validateUpdate(object, old) {
    const errors = validate(object);
    if (!semanticallyEqual(object.data, old.data)) errors.push(invalid('data', object.data, immutableMessage));
    return errors;
  },
  columns: [
    nameColumn,
    text('Controller', 'Controller of the object', formatController),
    text('Revision', 'Number of the revision.', o => o.revision),
    ageColumn,
  ],
};
