import { formatTime } from '#base';
import type { Column, KindBehaviour } from '../../kind.ts';
import type { PersistentVolume } from '../../types.ts';
import { keepAllButStatus, keepStatus } from '../behaviour.ts';
import { ageColumn, nameColumn, text, wide } from '../columns.ts';
import { formatAccessModes, storageClassOf } from '../storage-columns.ts';
import { warnAboutVolume } from '../storage-warnings.ts';
import { defaultLegacySource } from '../volume-defaults.ts';
import { validateVolume, validateVolumeUpdate } from './volume-rules.ts';

const columns: readonly Column<PersistentVolume>[] = [
  nameColumn,
  text('Capacity', 'Size of the volume.', o => o.spec?.capacity?.storage ?? '0'),
  text('Access Modes', 'How it may be mounted.', o => formatAccessModes(o.spec?.accessModes)),
  text('Reclaim Policy', 'What happens when its claim goes.', o => o.spec?.persistentVolumeReclaimPolicy ?? ''),
  text('Status', 'Phase of the volume.', o => (o.metadata.deletionTimestamp ? 'Terminating' : (o.status?.phase ?? ''))),
  text('Claim', 'Claim that it serves.', o => {
    const claim = o.spec?.claimRef;
    return claim ? `${claim.namespace ?? ''}/${claim.name ?? ''}` : '';
  }),
  text('StorageClass', 'StorageClass of the pv', o => storageClassOf(o)),
  text('VolumeAttributesClass', 'VolumeAttributesClass of the pv', o => o.spec?.volumeAttributesClassName ?? '<unset>'),
  text('Reason', 'Why it is in this phase.', o => o.status?.reason ?? ''),
  ageColumn,
  wide(text('VolumeMode', 'Filesystem or block.', o => o.spec?.volumeMode ?? '<unset>')),
];

export const persistentVolume: KindBehaviour<PersistentVolume> = {
  shortNames: ['pv'],
  defaults(draft) {
    draft.spec ??= {};
    draft.spec.persistentVolumeReclaimPolicy ||= 'Retain';
    draft.spec.volumeMode ??= 'Filesystem';
    if (draft.spec.hostPath) draft.spec.hostPath.type ??= '';
    defaultLegacySource(draft.spec);
    draft.status ??= {};
    draft.status.phase ||= 'Pending';
  },
  prepareCreate(draft, { nowMs }) {
    draft.status = { phase: 'Pending', lastPhaseTransitionTime: formatTime(nowMs) };
  },
  prepareUpdate: keepStatus,
  prepareSubresource(draft, old, _subresource, { nowMs }) {
    keepAllButStatus(draft, old);
    const { status } = draft;
    if (!status) return;
    const before = old.status?.lastPhaseTransitionTime;
    const given = status.lastPhaseTransitionTime;
    // Who changes the phase may say since when it is so.
    if (status.phase === old.status?.phase) status.lastPhaseTransitionTime = given ?? before;
    else if (given === undefined || given === before) status.lastPhaseTransitionTime = formatTime(nowMs);
  },
  validateCreate: validateVolume,
  validateUpdate: validateVolumeUpdate,
  warnings: warnAboutVolume,
  columns,
};
