import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { VolumeAttributesClass } from '../../types.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { forbidden, required } from '../field-error.ts';
import { checkParameters, checkProvisioner } from './parameters.ts';

function validate(object: VolumeAttributesClass): FieldError[] {
  const errors: FieldError[] = [];
  checkProvisioner(errors, 'driverName', object.driverName);
  checkParameters(errors, 'parameters', object.parameters ?? {});
  if (Object.keys(object.parameters ?? {}).length === 0) {
    errors.push(required('parameters', 'must contain at least one key/value pair'));
  }
  return errors;
}

export const volumeAttributesClass: KindBehaviour<VolumeAttributesClass> = {
  shortNames: ['vac'],
  validateCreate: validate,
  validateUpdate(object, old) {
    const errors: FieldError[] = [];
    if (object.driverName !== old.driverName) {
      errors.push(forbidden('driverName', 'updates to driverName are forbidden.'));
    }
    if (!semanticallyEqual(object.parameters ?? {}, old.parameters ?? {})) {
      errors.push(forbidden('parameters', 'updates to parameters are forbidden.'));
    }
    return [...errors, ...validate(object)];
  },
  columns: [nameColumn, text('DriverName', 'Driver that it is for.', o => o.driverName), ageColumn],
};
