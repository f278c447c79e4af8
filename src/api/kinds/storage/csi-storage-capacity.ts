import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { CSIStorageCapacity } from '../../types.ts';
import { nameColumn, text } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { immutableMessage, invalid, pushInvalid } from '../field-error.ts';
import { checkLabelSelector } from '../label-selector.ts';
import { checkSubdomain } from '../name-rules.ts';
import { checkAmount } from '../resources.ts';
import { warnAboutStorageCapacity } from '../storage-warnings.ts';

function validate(object: CSIStorageCapacity): FieldError[] {
  const errors: FieldError[] = [];
  checkLabelSelector(errors, 'nodeTopology', object.nodeTopology);
  const { storageClassName: name = '', capacity } = object;
  pushInvalid(errors, 'storageClassName', name, checkSubdomain(name));
  if (capacity !== undefined) checkAmount(errors, 'capacity', { name: 'storage', value: capacity });
  return errors;
}

export const csiStorageCapacity: KindBehaviour<CSIStorageCapacity> = {
  validateCreate: validate,
  validateUpdate(object, old) {
    const errors = validate(object);
    for (const field of ['nodeTopology', 'storageClassName'] as const) {
      if (!semanticallyEqual(object[field], old[field])) errors.push(invalid(field, object[field], immutableMessage));
    }
    return errors;
  },
  warnings: warnAboutStorageCapacity,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    text('StorageClassName', 'Class of the volumes.', o => o.storageClassName),
    text('Capacity', 'How much is left.', o => o.capacity ?? '<unset>'),
  ],
};
