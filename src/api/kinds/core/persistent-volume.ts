import { formatTime } from '#base';
import type { Column, FieldError, KindBehaviour } from '../../kind.ts';
import type { PersistentVolume, PersistentVolumeSpec } from '../../types.ts';
import { checkNodeSelector } from '../affinity.ts';
import { keepAllButStatus, keepStatus } from '../behaviour.ts';
import { checkAccessModes, volumeModes } from '../claim-spec.ts';
import { ageColumn, nameColumn, text, wide } from '../columns.ts';
import { describeDifference } from '../difference.ts';
import { semanticallyEqual } from '../equality.ts';
import { forbidden, immutableMessage, invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkNoBacksteps } from '../file-paths.ts';
import { checkSubdomain } from '../name-rules.ts';
import { checkAmount } from '../resources.ts';
import { formatAccessModes, storageClassOf } from '../storage-columns.ts';
import { warnAboutVolume } from '../storage-warnings.ts';
import { checkDriverName } from '../volumes.ts';

const reclaimPolicies: readonly string[] = ['Delete', 'Recycle', 'Retain'];

/** Members of a spec that are not its source. */
const notSources: ReadonlySet<string> = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
]);

function sourceOf(spec: PersistentVolumeSpec | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec ?? {}).filter(([key, value]) => !notSources.has(key) && value != null));
}

function validate(volume: PersistentVolume): FieldError[] {
  const errors: FieldError[] = [];
  const spec = volume.spec ?? {};
  checkAccessModes(errors, 'spec.accessModes', spec.accessModes);
  checkCapacity(errors, spec);
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy && !reclaimPolicies.includes(policy)) {
    errors.push(notSupported('spec.persistentVolumeReclaimPolicy', policy, reclaimPolicies));
  }
  if (spec.nodeAffinity) {
    if (spec.nodeAffinity.required) {
      checkNodeSelector(errors, 'spec.nodeAffinity.required', spec.nodeAffinity.required);
    } else errors.push(required('spec.nodeAffinity.required', 'must specify required node constraints'));
  }
  checkSource(errors, spec);
  if (spec.hostPath?.path === '/' && policy === 'Recycle') {
    const detail = "may not be 'recycle' for a hostPath mount of '/'";
    errors.push(forbidden('spec.persistentVolumeReclaimPolicy', detail));
  }
  if (spec.storageClassName) {
    pushInvalid(errors, 'spec.storageClassName', spec.storageClassName, checkSubdomain(spec.storageClassName));
  }
  if (spec.volumeMode !== undefined && !volumeModes.includes(spec.volumeMode)) {
    errors.push(notSupported('spec.volumeMode', spec.volumeMode, volumeModes));
  }
  return errors;
}

function checkCapacity(errors: FieldError[], spec: PersistentVolumeSpec): void {
  const names = Object.keys(spec.capacity ?? {});
  if (names.length === 0) errors.push(required('spec.capacity'));
  if (!spec.capacity?.storage || names.length > 1)
    errors.push(notSupported('spec.capacity', spec.capacity ?? null, ['storage']));
  for (const name of names) {
    const field = `spec.capacity[${name}]`;
    const value = spec.capacity![name]!;
    const nanos = checkAmount(errors, field, { name, value });
    if (nanos === 0n) errors.push(invalid(field, value, 'must be greater than zero'));
  }
}

function checkSource(errors: FieldError[], spec: PersistentVolumeSpec): void {
  const kinds = Object.keys(sourceOf(spec));
  if (kinds.length === 0) errors.push(required('spec', 'must specify a volume type'));
  for (const kind of kinds.slice(1)) {
    errors.push(forbidden(`spec.${kind}`, 'may not specify more than 1 volume type'));
  }
  const { hostPath, nfs, local, csi } = spec;
  if (hostPath) {
    if (!hostPath.path) errors.push(required('spec.hostPath.path'));
    else checkNoBacksteps(errors, 'spec.hostPath.path', hostPath.path);
  }
  if (nfs) {
    if (!nfs.server) errors.push(required('spec.nfs.server'));
    if (!nfs.path) errors.push(required('spec.nfs.path'));
    if (!nfs.path?.startsWith('/')) errors.push(invalid('spec.nfs.path', nfs.path ?? '', 'must be an absolute path'));
  }
  if (local) {
    if (!local.path) errors.push(required('spec.local.path'));
    else checkNoBacksteps(errors, 'spec.local.path', local.path);
    if (!spec.nodeAffinity) errors.push(required('spec.nodeAffinity', 'Local volume requires node affinity'));
  }
  if (csi) {
    checkDriverName(errors, 'spec.csi.driver', csi.driver);
    if (!csi.volumeHandle) errors.push(required('spec.csi.volumeHandle'));
  }
}

function validateUpdate(volume: PersistentVolume, old: PersistentVolume): FieldError[] {
  const errors = validate(volume);
  const [source, before] = [sourceOf(volume.spec), sourceOf(old.spec)];
  const csi = volume.spec?.csi;
  if (csi?.controllerExpandSecretRef && old.spec?.csi && !old.spec.csi.controllerExpandSecretRef) {
    const { controllerExpandSecretRef: _added, ...rest } = csi;
    source.csi = rest;
  }
  if (!semanticallyEqual(source, before)) {
    const difference = describeDifference(before, source);
    const text = `spec.persistentvolumesource is immutable after creation\n${difference}`;
    errors.push(forbidden('spec.persistentvolumesource', text));
  }
  if ((volume.spec?.volumeMode ?? '') !== (old.spec?.volumeMode ?? '')) {
    errors.push(invalid('volumeMode', volume.spec?.volumeMode, immutableMessage));
  }
  if (old.spec?.nodeAffinity && !semanticallyEqual(old.spec.nodeAffinity, volume.spec?.nodeAffinity)) {
    errors.push(invalid('nodeAffinity', volume.spec?.nodeAffinity, immutableMessage));
  }
  if (old.spec?.volumeAttributesClassName !== undefined && volume.spec?.volumeAttributesClassName === undefined) {
    const detail = 'update from non-nil value to nil is forbidden';
    errors.push(forbidden('spec.volumeAttributesClassName', detail));
  }
  return errors;
}

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
    draft.status ??= {};
    draft.status.phase ||= 'Pending';
  },
  prepareCreate(draft, { nowMs }) {
    draft.status = { phase: 'Pending', lastPhaseTransitionTime: formatTime(nowMs) };
  },
  prepareUpdate: keepStatus,
  prepareSubresource(draft, old, _subresource, { nowMs }) {
    keepAllButStatus(draft, old);
    if (draft.status && draft.status.phase !== old.status?.phase)
      draft.status.lastPhaseTransitionTime = formatTime(nowMs);
  },
  validateCreate: validate,
  validateUpdate,
  warnings: warnAboutVolume,
  columns,
};
