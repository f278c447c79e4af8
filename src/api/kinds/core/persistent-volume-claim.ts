import type { Column, FieldError, KindBehaviour } from '../../kind.ts';
import type { PersistentVolumeClaim } from '../../types.ts';
import { keepAllButStatus, keepStatus } from '../behaviour.ts';
import { checkClaimSpec } from '../claim-spec.ts';
import { ageColumn, nameColumn, text, wide } from '../columns.ts';
import { describeDifference } from '../difference.ts';
import { semanticallyEqual } from '../equality.ts';
import { forbidden, immutableMessage, invalid } from '../field-error.ts';
import { parseNano, quantitiesEqual } from '../quantity.ts';
import { formatAccessModes, storageClassOf } from '../storage-columns.ts';
import { warnAboutClaim } from '../storage-warnings.ts';
import { defaultClaimSpec } from '../volume-defaults.ts';

function validate(claim: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = [];
  checkClaimSpec(errors, 'spec', claim.spec ?? {});
  return errors;
}

/** After creation only the size and the attributes of a bound claim may change, and the class may be filled in. */
function validateUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const errors = validate(claim);
  const [spec, before] = [claim.spec ?? {}, old.spec ?? {}];
  const munged = { ...spec, resources: { ...spec.resources, requests: { ...spec.resources?.requests } } };
  if (!before.volumeName) munged.volumeName = before.volumeName;
  if (before.storageClassName === undefined) munged.storageClassName = before.storageClassName;
  const [size, oldSize] = [spec.resources?.requests?.storage, before.resources?.requests?.storage];
  const bound = claim.status?.phase === 'Bound';
  if (bound) munged.volumeAttributesClassName = before.volumeAttributesClassName;
  if (oldSize !== undefined && (bound || quantitiesEqual(size, oldSize))) munged.resources.requests.storage = oldSize;
  const oldSpec = { ...before, resources: { ...before.resources, requests: { ...before.resources?.requests } } };
  if (!semanticallyEqual(munged, oldSpec)) {
    const text =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    errors.push(forbidden('spec', `${text}\n${describeDifference(oldSpec, munged)}`));
  }
  checkShrink(errors, { size, oldSize, capacity: old.status?.capacity?.storage });
  if ((spec.volumeMode ?? '') !== (before.volumeMode ?? '')) {
    errors.push(invalid('volumeMode', spec.volumeMode, immutableMessage));
  }
  const attributes = spec.volumeAttributesClassName;
  if (attributes !== before.volumeAttributesClassName && old.status?.currentVolumeAttributesClassName && !attributes) {
    const what = attributes === undefined ? 'nil' : 'empty string';
    const detail = `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`;
    errors.push(forbidden('spec.volumeAttributesClassName', detail));
  }
  return errors;
}

interface Sizes {
  size: string | undefined;
  oldSize: string | undefined;
  capacity: string | undefined;
}

/** A claim may shrink its wish, but not below what it has. */
function checkShrink(errors: FieldError[], { size, oldSize, capacity }: Sizes): void {
  const wanted = parseNano(size ?? '0') ?? 0n;
  if (wanted >= (parseNano(oldSize ?? '0') ?? 0n)) return;
  if (wanted > (parseNano(capacity ?? '0') ?? 0n)) return;
  errors.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'));
}

const columns: readonly Column<PersistentVolumeClaim>[] = [
  nameColumn,
  text('Status', 'Phase of the claim.', o => (o.metadata.deletionTimestamp ? 'Terminating' : (o.status?.phase ?? ''))),
  text('Volume', 'Volume that serves it.', o => o.spec?.volumeName ?? ''),
  text('Capacity', 'Size of the volume.', o => (o.spec?.volumeName ? (o.status?.capacity?.storage ?? '0') : '')),
  text('Access Modes', 'How it may be mounted.', o =>
    o.spec?.volumeName ? formatAccessModes(o.status?.accessModes) : '',
  ),
  text('StorageClass', 'StorageClass of the pvc', o => storageClassOf(o)),
  text(
    'VolumeAttributesClass',
    'VolumeAttributesClass of the pvc',
    o => o.spec?.volumeAttributesClassName ?? '<unset>',
  ),
  ageColumn,
  wide(text('VolumeMode', 'Filesystem or block.', o => o.spec?.volumeMode ?? '<unset>')),
];

export const persistentVolumeClaim: KindBehaviour<PersistentVolumeClaim> = {
  shortNames: ['pvc'],
  defaults(draft) {
    draft.spec ??= {};
    defaultClaimSpec(draft.spec);
    draft.status ??= {};
    draft.status.phase ||= 'Pending';
    const { dataSource, dataSourceRef } = draft.spec;
    // One says the same as the other, unless the reference leaves the namespace.
    if (dataSource && !dataSourceRef) draft.spec.dataSourceRef = { ...dataSource };
    else if (dataSourceRef && !dataSource && !dataSourceRef.namespace) {
      const { apiGroup, kind, name } = dataSourceRef;
      draft.spec.dataSource = apiGroup === undefined ? { kind, name } : { apiGroup, kind, name };
    }
  },
  prepareCreate(draft) {
    draft.status = { phase: 'Pending' };
  },
  prepareUpdate: keepStatus,
  prepareSubresource: keepAllButStatus,
  validateCreate: validate,
  validateUpdate,
  warnings: warnAboutClaim,
  columns,
};
