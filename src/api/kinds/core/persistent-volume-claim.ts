import type { Column, KindBehaviour } from '../../kind.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../types.ts';
import { keepAllButStatus, keepStatus } from '../behaviour.ts';
import { ageColumn, nameColumn, text, wide } from '../columns.ts';
import { formatAccessModes, storageClassOf } from '../storage-columns.ts';
import { warnAboutClaim } from '../storage-warnings.ts';
import { defaultClaimSpec } from '../volume-defaults.ts';
import { validateClaim, validateClaimStatus, validateClaimUpdate } from './claim-rules.ts';

/**
 * `dataSource` and `dataSourceRef` say the same, unless the reference leaves the namespace, for which upstream has no gate open: that one goes.
 * What nobody could copy from goes too when only the old member names it, as it always did.
 */
function settleSources(spec: PersistentVolumeClaimSpec | undefined, old: PersistentVolumeClaimSpec | undefined): void {
  if (!spec) return;
  if (spec.dataSourceRef?.namespace && !old?.dataSourceRef) delete spec.dataSourceRef;
  const hadSource = old?.dataSource || old?.dataSourceRef;
  if (!hadSource && !spec.dataSourceRef && !isCopyable(spec.dataSource)) delete spec.dataSource;
  const { dataSource, dataSourceRef } = spec;
  if (dataSource && !dataSourceRef) spec.dataSourceRef = { ...dataSource };
  else if (dataSourceRef && !dataSource && !dataSourceRef.namespace) {
    const { apiGroup, kind, name } = dataSourceRef;
    spec.dataSource = apiGroup === undefined ? { kind, name } : { apiGroup, kind, name };
  }
}

function isCopyable(source: PersistentVolumeClaimSpec['dataSource']): boolean {
  const { kind, apiGroup = '' } = source ?? {};
  if (kind === 'PersistentVolumeClaim' && apiGroup === '') return true;
  return kind === 'VolumeSnapshot' && apiGroup === 'snapshot.storage.k8s.io';
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
  },
  prepareCreate(draft) {
    draft.status = { phase: 'Pending' };
    settleSources(draft.spec, undefined);
  },
  prepareUpdate(draft, old) {
    keepStatus(draft, old);
    settleSources(draft.spec, old.spec);
  },
  prepareSubresource: keepAllButStatus,
  validateCreate: validateClaim,
  validateUpdate: validateClaimUpdate,
  validateSubresource: validateClaimStatus,
  warnings: warnAboutClaim,
  columns,
};
