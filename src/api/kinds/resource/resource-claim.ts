import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { ResourceClaim } from '../../types.ts';
import { keepAllButStatus, keepStatus } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { forbidden, immutableMessage, invalid, tooMany } from '../field-error.ts';
import { checkDeviceClaim, defaultDeviceClaim } from './device-requests.ts';

const maxConsumers = 256;

function validate(object: ResourceClaim): FieldError[] {
  const errors: FieldError[] = [];
  checkDeviceClaim(errors, 'spec.devices', object.spec.devices);
  return errors;
}

function validateStatus(object: ResourceClaim, old: ResourceClaim): FieldError[] {
  const errors: FieldError[] = [];
  const { allocation, reservedFor = [] } = object.status ?? {};
  if (reservedFor.length > maxConsumers) errors.push(tooMany('status.reservedFor', reservedFor.length, maxConsumers));
  if (reservedFor.length > 0 && !allocation) {
    errors.push(forbidden('status.reservedFor', 'may not be specified when `allocated` is not set'));
  }
  const before = old.status?.allocation;
  if (before && allocation && !semanticallyEqual(before, allocation)) {
    errors.push(invalid('status.allocation', allocation, immutableMessage));
  }
  return errors;
}

function formatState(object: ResourceClaim): string {
  const deleted = object.metadata.deletionTimestamp !== undefined;
  const words = deleted ? ['deleted'] : [];
  if (object.status?.allocation) {
    words.push('allocated');
    if (object.status.reservedFor?.length) words.push('reserved');
  } else if (!deleted) words.push('pending');
  return words.join(',');
}

export const resourceClaim: KindBehaviour<ResourceClaim> = {
  defaults: draft => defaultDeviceClaim(draft.spec?.devices),
  prepareCreate: draft => void delete draft.status,
  prepareUpdate: keepStatus,
  prepareSubresource: keepAllButStatus,
  validateCreate: validate,
  validateUpdate(object, old) {
    const same = semanticallyEqual(object.spec, old.spec);
    return same ? validate(object) : [invalid('spec', object.spec, immutableMessage)];
  },
  validateSubresource: validateStatus,
  columns: [
    nameColumn,
    text('State', 'A summary of the current state (allocated, pending, reserved, etc.).', formatState),
    ageColumn,
  ],
};
