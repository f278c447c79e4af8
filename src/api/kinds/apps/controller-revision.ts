import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { ControllerRevision } from '../../types.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { checkNonNegative, immutableMessage, invalid, required } from '../field-error.ts';

function validate(object: ControllerRevision): FieldError[] {
  const errors: FieldError[] = [];
  if (object.data == null) errors.push(required('data', 'data is mandatory'));
  checkNonNegative(errors, 'revision', object.revision);
  return errors;
}

function formatController(object: ControllerRevision): string {
  const owner = object.metadata.ownerReferences?.find(reference => reference.controller);
  if (!owner) return '<none>';
  const [group] = owner.apiVersion.includes('/') ? owner.apiVersion.split('/') : [''];
  return `${(group ? `${owner.kind}.${group}` : owner.kind).toLowerCase()}/${owner.name}`;
}

export const controllerRevision: KindBehaviour<ControllerRevision> = {
  validateCreate: validate,
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
