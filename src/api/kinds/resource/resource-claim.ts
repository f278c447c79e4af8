import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { ResourceClaim } from '../../types.ts';
import { keepAllButStatus, keepMetadata, keepStatus } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { immutableMessage, invalid } from '../field-error.ts';
import { dropDeallocated, validateClaimStatus } from './claim-status-rules.ts';
import { checkDeviceClaim, defaultDeviceClaim } from './device-requests.ts';

function validate(object: ResourceClaim): FieldError[] {
  const errors: FieldError[] = [];
  checkDeviceClaim(errors, 'spec.devices', object.spec.devices);
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
  prepareSubresource(draft, old) {
    keepAllButStatus(draft, old);
    keepMetadata(draft, old);
    dropDeallocated(draft, old);
  },
  validateCreate: validate,
  validateUpdate: (object, old) =>
    semanticallyEqual(object.spec, old.spec) ? [] : [invalid('spec', object.spec, immutableMessage)],
  validateSubresource: validateClaimStatus,
  columns: [
    nameColumn,
    text('State', 'A summary of the current state (allocated, pending, reserved, etc.).', formatState),
    ageColumn,
  ],
};
