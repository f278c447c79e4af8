import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { ResourceClaimTemplate } from '../../types.ts';
import { ageColumn, nameColumn } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { immutableMessage, invalid } from '../field-error.ts';
import { checkDeviceClaim, defaultDeviceClaim } from './device-requests.ts';

function validate(object: ResourceClaimTemplate): FieldError[] {
  const errors: FieldError[] = [];
  checkDeviceClaim(errors, 'spec.spec.devices', object.spec.spec?.devices);
  return errors;
}

export const resourceClaimTemplate: KindBehaviour<ResourceClaimTemplate> = {
  defaults: draft => defaultDeviceClaim(draft.spec?.spec?.devices),
  validateCreate: validate,
  validateUpdate: (object, old) =>
    semanticallyEqual(object.spec, old.spec) ? [] : [invalid('spec', object.spec, immutableMessage)],
  columns: [nameColumn, ageColumn],
};
