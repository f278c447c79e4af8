import type { DownwardAPIVolumeFile, PersistentVolumeClaimSpec, Volume, VolumeProjection } from '../types.ts';
import { isLatestImage } from './image-name.ts';

/** Mode of projected files where nothing is said: 0644. */
const defaultMode = 0o644;
const tokenLifetimeSeconds = 3600;

/** Fills in one volume of a pod; a volume without a source is an emptyDir. */
export function defaultVolume(volume: Volume): void {
  if (!hasSource(volume)) volume.emptyDir = {};
  if (volume.secret) volume.secret.defaultMode ??= defaultMode;
  if (volume.configMap) volume.configMap.defaultMode ??= defaultMode;
  if (volume.hostPath) volume.hostPath.type ??= '';
  if (volume.image) defaultImage(volume.image);
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= defaultMode;
    defaultFieldRefs(volume.downwardAPI.items);
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= defaultMode;
    for (const source of volume.projected.sources ?? []) defaultProjection(source);
  }
  if (volume.ephemeral?.volumeClaimTemplate) defaultClaimSpec(volume.ephemeral.volumeClaimTemplate.spec);
  defaultLegacySource(volume);
}

/** Fills in the spec of a claim: the mode is a filesystem. */
export function defaultClaimSpec(spec: PersistentVolumeClaimSpec | undefined): void {
  if (spec) spec.volumeMode ??= 'Filesystem';
}

function hasSource(volume: Volume): boolean {
  for (const key in volume) if (key !== 'name' && volume[key as keyof Volume] != null) return true;
  return false;
}

function defaultImage(image: NonNullable<Volume['image']>): void {
  image.pullPolicy ||= isLatestImage(image.reference ?? '') ? 'Always' : 'IfNotPresent';
}

function defaultFieldRefs(files: readonly DownwardAPIVolumeFile[] | undefined): void {
  for (const file of files ?? []) if (file.fieldRef) file.fieldRef.apiVersion ||= 'v1';
}

function defaultProjection(source: VolumeProjection): void {
  if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= tokenLifetimeSeconds;
  defaultFieldRefs(source.downwardAPI?.items);
}

/** The parts of a volume, of a pod or persistent, that older kinds of storage have. */
export interface LegacySources {
  iscsi?: { iscsiInterface?: string | undefined } | undefined;
  rbd?: { pool?: string | undefined; user?: string | undefined; keyring?: string | undefined } | undefined;
  azureDisk?: Volume['azureDisk'];
  scaleIO?: { storageMode?: string | undefined; fsType?: string | undefined } | undefined;
}

/** In-tree storage that upstream still fills in, whoever serves it. */
export function defaultLegacySource(volume: LegacySources): void {
  if (volume.iscsi) volume.iscsi.iscsiInterface ||= 'default';
  if (volume.rbd) {
    volume.rbd.pool ||= 'rbd';
    volume.rbd.user ||= 'admin';
    volume.rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (volume.azureDisk) {
    volume.azureDisk.cachingMode ||= 'ReadWrite';
    volume.azureDisk.kind ||= 'Shared';
    volume.azureDisk.fsType ||= 'ext4';
    volume.azureDisk.readOnly ??= false;
  }
  if (volume.scaleIO) {
    volume.scaleIO.storageMode ||= 'ThinProvisioned';
    volume.scaleIO.fsType ||= 'xfs';
  }
}
