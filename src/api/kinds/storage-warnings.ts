import type {
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
  StorageClass,
} from '../types.ts';
import { deprecationOfNodeLabel, warnAboutExpressions, warnAboutNodeTerm } from './node-label-warnings.ts';
import { eachAt } from './paths.ts';
import { isWhole, parseNano } from './quantity.ts';

const classAnnotation = 'volume.beta.kubernetes.io/storage-class';
const classText = 'deprecated since v1.8; use "storageClassName" attribute instead';
const mountAnnotation = 'volume.beta.kubernetes.io/mount-options';
const mountText = 'deprecated since v1.31; use "mountOptions" attribute instead';

/** Sources that nothing serves any more, by member; volumes of pods and persistent volumes alike. */
const deprecatedVolumes: ReadonlyMap<string, string> = new Map([
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'deprecated in v1.22, non-functional in v1.25+'],
  ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
]);

/** Deprecated members of a volume, as upstream spells them. */
export function warnAboutSource(path: string, source: object): string[] {
  const warnings: string[] = [];
  for (const [member, text] of deprecatedVolumes) {
    if (!(member in source)) continue;
    warnings.push(`${path}.${member === 'storageos' ? 'storageOS' : member}: ${text}`);
  }
  return warnings;
}

/** Bytes come whole. */
export function warnAboutBytes(path: string, amounts: Record<string, string> | undefined, name: string): string[] {
  const value = amounts?.[name];
  if (value === undefined || isWhole(parseNano(value) ?? 0n)) return [];
  return [`${path}[${name}]: fractional byte value ${JSON.stringify(value)} is invalid, must be an integer`];
}

/** Source: pkg/api/persistentvolumeclaim. */
export function warnAboutClaim({ metadata, spec }: PersistentVolumeClaim): string[] {
  return [...warnAboutAnnotation(metadata, classAnnotation, classText), ...warnAboutClaimSpec('spec', spec)];
}

export function warnAboutClaimSpec(path: string, spec: PersistentVolumeClaimSpec | undefined): string[] {
  return [
    ...warnAboutBytes(`${path}.resources.requests`, spec?.resources?.requests, 'storage'),
    ...warnAboutBytes(`${path}.resources.limits`, spec?.resources?.limits, 'storage'),
  ];
}

/** Source: pkg/api/persistentvolume. */
export function warnAboutVolume({ metadata, spec = {} }: PersistentVolume): string[] {
  return [
    ...warnAboutAnnotation(metadata, classAnnotation, classText),
    ...warnAboutAnnotation(metadata, mountAnnotation, mountText),
    ...warnAboutReclaim(spec),
    ...warnAboutVolumeNodes(spec),
    ...warnAboutSource('spec', spec),
    ...warnAboutBytes('spec.capacity', spec.capacity, 'storage'),
  ];
}

function warnAboutReclaim(spec: PersistentVolumeSpec): string[] {
  if (spec.persistentVolumeReclaimPolicy !== 'Recycle') return [];
  const advice = 'Instead, the recommended approach is to use dynamic provisioning.';
  return [`spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. ${advice}`];
}

function warnAboutVolumeNodes(spec: PersistentVolumeSpec): string[] {
  const warnings: string[] = [];
  eachAt('spec.nodeAffinity.required.nodeSelectorTerms', spec.nodeAffinity?.required?.nodeSelectorTerms, (at, term) => {
    warnings.push(...warnAboutNodeTerm(at, term));
  });
  return warnings;
}

function warnAboutAnnotation(metadata: PersistentVolume['metadata'], key: string, text: string): string[] {
  return metadata.annotations?.[key] === undefined ? [] : [`metadata.annotations[${key}]: ${text}`];
}

/** Source: pkg/api/storage. */
export function warnAboutStorageClass({ allowedTopologies }: StorageClass): string[] {
  const warnings: string[] = [];
  eachAt('allowedTopologies', allowedTopologies, (at, term) => {
    eachAt(`${at}.matchLabelExpressions`, term.matchLabelExpressions, (path, { key }) => {
      const message = deprecationOfNodeLabel(key);
      if (message) warnings.push(`${path}.key: ${key} is ${message}`);
    });
  });
  return warnings;
}

/** Source: pkg/api/storage. */
export function warnAboutStorageCapacity({ nodeTopology }: CSIStorageCapacity): string[] {
  const keyed = warnAboutExpressions('nodeTopology.matchExpressions', nodeTopology?.matchExpressions);
  const labels = Object.keys(nodeTopology?.matchLabels ?? {}).flatMap(key => {
    const message = deprecationOfNodeLabel(key);
    return message ? [`nodeTopology.matchLabels.${key}: ${message}`] : [];
  });
  return [...keyed.map(({ at, text }) => `${at}.key: ${text}`), ...labels];
}
