import type { FieldError } from '../../kind.ts';
import type {
  PersistentVolume,
  PersistentVolumeSpec,
  SecretReference,
  Volume,
  VolumeNodeAffinity,
} from '../../types.ts';
import { checkNodeSelector } from '../affinity.ts';
import { checkAccessModes, checkClassName, volumeModes } from '../claim-spec.ts';
import { describeDifference } from '../difference.ts';
import { semanticallyEqual } from '../equality.ts';
import { forbidden, immutableMessage, invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkNoBacksteps } from '../file-paths.ts';
import { legacyVolumeRules } from '../legacy-volumes.ts';
import { checkLabel, checkSubdomain } from '../name-rules.ts';
import { checkAmount } from '../resources.ts';
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

export function validateVolume(volume: PersistentVolume): FieldError[] {
  const errors: FieldError[] = [];
  const spec = volume.spec ?? {};
  if (!spec.accessModes?.length) errors.push(required('spec.accessModes'));
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
  checkSource(errors, 'spec', spec);
  if (/^\/[/.]*$/.test(spec.hostPath?.path ?? '') && policy === 'Recycle') {
    const detail = "may not be 'recycle' for a hostPath mount of '/'";
    errors.push(forbidden('spec.persistentVolumeReclaimPolicy', detail));
  }
  checkClassName(errors, 'spec.storageClassName', spec.storageClassName);
  if (spec.volumeMode !== undefined && !volumeModes.includes(spec.volumeMode)) {
    errors.push(notSupported('spec.volumeMode', spec.volumeMode, volumeModes));
  }
  const attributes = spec.volumeAttributesClassName;
  if (attributes === undefined) return errors;
  const path = 'spec.volumeAttributesClassName';
  if (attributes === '') errors.push(required(path, 'an empty string is disallowed'));
  checkClassName(errors, path, attributes);
  if (!spec.csi) errors.push(required('spec.csi', 'has to be specified when using volumeAttributesClassName'));
  return errors;
}

/** A volume that is described where it is attached: it has a driver, and nothing that only a stored one has. */
export function checkInlineVolume(errors: FieldError[], path: string, spec: PersistentVolumeSpec): void {
  const where = 'in the context of inline volumes';
  const { claimRef, capacity, persistentVolumeReclaimPolicy: policy, volumeMode } = spec;
  if (claimRef) errors.push(forbidden(`${path}.claimRef`, `may not be specified ${where}`));
  if (Object.keys(capacity ?? {}).length > 0)
    errors.push(forbidden(`${path}.capacity`, `may not be specified ${where}`));
  if (!spec.csi) errors.push(required(`${path}.csi`, `has to be specified ${where}`));
  if (!spec.accessModes?.length) errors.push(required(`${path}.accessModes`));
  checkAccessModes(errors, `${path}.accessModes`, spec.accessModes);
  if (policy && policy !== 'Retain') {
    errors.push(forbidden(`${path}.persistentVolumeReclaimPolicy`, `may only be Retain ${where}`));
  }
  if (spec.nodeAffinity) errors.push(forbidden(`${path}.nodeAffinity`, `may not be specified ${where}`));
  checkSource(errors, path, spec);
  if (spec.storageClassName) errors.push(forbidden(`${path}.storageClassName`, `may not be specified ${where}`));
  if (volumeMode !== undefined && volumeMode !== 'Filesystem') {
    errors.push(forbidden(`${path}.volumeMode`, `may not specify volumeMode other than Filesystem ${where}`));
  }
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

function checkSource(errors: FieldError[], path: string, spec: PersistentVolumeSpec): void {
  const kinds = Object.keys(sourceOf(spec));
  if (kinds.length === 0) errors.push(required(path, 'must specify a volume type'));
  for (const kind of kinds.slice(1)) {
    errors.push(forbidden(`${path}.${kind}`, 'may not specify more than 1 volume type'));
  }
  const { hostPath, nfs, local, csi } = spec;
  if (hostPath) {
    if (!hostPath.path) errors.push(required(`${path}.hostPath.path`));
    else checkNoBacksteps(errors, `${path}.hostPath.path`, hostPath.path);
  }
  if (nfs) {
    if (!nfs.server) errors.push(required(`${path}.nfs.server`));
    if (!nfs.path) errors.push(required(`${path}.nfs.path`));
    if (!nfs.path?.startsWith('/'))
      errors.push(invalid(`${path}.nfs.path`, nfs.path ?? '', 'must be an absolute path'));
  }
  if (local) {
    if (!local.path) errors.push(required(`${path}.local.path`));
    else checkNoBacksteps(errors, `${path}.local.path`, local.path);
    if (!spec.nodeAffinity) errors.push(required(`${path}.nodeAffinity`, 'Local volume requires node affinity'));
  }
  if (csi) {
    checkDriverName(errors, `${path}.csi.driver`, csi.driver);
    if (!csi.volumeHandle) errors.push(required(`${path}.csi.volumeHandle`));
    for (const field of secretRefs) if (csi[field]) checkSecretRef(errors, `${path}.csi.${field}`, csi[field]);
  }
  const [first = ''] = kinds;
  const legacy = legacyVolumeRules[first];
  if (legacy)
    legacy(errors, `${path}.${oddPaths[first] ?? first}`, { volume: { ...spec, name: '' } as unknown as Volume });
}

const secretRefs = [
  'controllerPublishSecretRef',
  'controllerExpandSecretRef',
  'nodePublishSecretRef',
  'nodeExpandSecretRef',
] as const;

/** Where upstream's path is not the member's name. */
const oddPaths: Readonly<Record<string, string>> = { gcePersistentDisk: 'persistentDisk' };

function checkSecretRef(errors: FieldError[], path: string, { name, namespace }: SecretReference): void {
  if (!name) errors.push(required(`${path}.name`));
  else pushInvalid(errors, `${path}.name`, name, checkSubdomain(name));
  if (!namespace) errors.push(required(`${path}.namespace`));
  else pushInvalid(errors, `${path}.namespace`, namespace, checkLabel(namespace));
}

export function validateVolumeUpdate(volume: PersistentVolume, old: PersistentVolume): FieldError[] {
  const errors = validateVolume(volume);
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
  const [affinity, oldAffinity] = [volume.spec?.nodeAffinity, old.spec?.nodeAffinity];
  if (oldAffinity && ![oldAffinity, withStableLabels(oldAffinity)].some(one => semanticallyEqual(one, affinity))) {
    const detail = `${immutableMessage}, except for updating from beta label to GA`;
    errors.push(invalid('nodeAffinity', affinity, detail));
  }
  if (old.spec?.volumeAttributesClassName !== undefined && volume.spec?.volumeAttributesClassName === undefined) {
    const detail = 'update from non-nil value to nil is forbidden';
    errors.push(forbidden('spec.volumeAttributesClassName', detail));
  }
  return errors;
}

/** The labels of nodes that had other names before. */
const stableLabels: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

function withStableLabels({ required: selector }: VolumeNodeAffinity): VolumeNodeAffinity {
  if (!selector) return {};
  const nodeSelectorTerms = (selector.nodeSelectorTerms ?? []).map(term => ({
    ...term,
    matchExpressions: term.matchExpressions?.map(one => ({ ...one, key: stableLabels[one.key] ?? one.key })),
  }));
  return { required: { ...selector, nodeSelectorTerms } };
}
