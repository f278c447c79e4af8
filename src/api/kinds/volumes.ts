import type { FieldError } from '../kind.ts';
import type { ObjectMeta, Volume } from '../types.ts';
import { checkClaimSpec } from './claim-spec.ts';
import { checkFieldRef, checkResourceFieldRef, volumeFields } from './downward.ts';
import { duplicate, forbidden, invalid, notSupported, pushInvalid, required } from './field-error.ts';
import { checkLocalFile, checkLocalPath, checkMode, checkNoBacksteps } from './file-paths.ts';
import { legacyVolumeRules } from './legacy-volumes.ts';
import { checkLabel, checkSubdomain } from './name-rules.ts';
import { eachAt } from './paths.ts';
import { checkProjection } from './projected-volume.ts';
import { parseNano } from './quantity.ts';

const pullPolicies: readonly string[] = ['Always', 'IfNotPresent', 'Never'];
const hostPathTypes: readonly string[] = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

export interface VolumeScope {
  /** Of the pod; absent in templates. */
  metadata?: ObjectMeta | undefined;
  template: boolean;
}

/** All volumes of a pod; answers with those that are well-formed, by name. */
export function checkVolumes(
  errors: FieldError[],
  path: string,
  { volumes, scope }: { volumes: readonly Volume[] | undefined; scope: VolumeScope },
): Map<string, Volume> {
  const known = new Map<string, Volume>();
  const podName = scope.metadata?.name;
  eachAt(path, volumes, (at, volume) => {
    const before = errors.length;
    checkSource(errors, at, { volume, scope });
    if (!volume.name) errors.push(required(`${at}.name`));
    else pushInvalid(errors, `${at}.name`, volume.name, checkLabel(volume.name));
    if (known.has(volume.name)) errors.push(duplicate(`${at}.name`, volume.name));
    if (errors.length === before) known.set(volume.name, volume);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (podName && claim && volumes?.some(other => other.ephemeral && claim === `${podName}-${other.name}`)) {
      const detail = 'must not reference a PVC that gets created for an ephemeral volume';
      errors.push(invalid(`${at}.persistentVolumeClaim.claimName`, claim, detail));
    }
  });
  return known;
}

function checkSource(errors: FieldError[], path: string, given: { volume: Volume; scope: VolumeScope }): void {
  let seen = false;
  for (const key in given.volume) {
    if (key === 'name' || given.volume[key as keyof Volume] == null) continue;
    if (seen) errors.push(forbidden(`${path}.${key}`, 'may not specify more than 1 volume type'));
    else rules[key]?.(errors, `${path}.${key}`, given);
    seen = true;
  }
  if (!seen) errors.push(required(path, 'must specify a volume type'));
}

type Rule = (errors: FieldError[], path: string, given: { volume: Volume; scope: VolumeScope }) => void;

const rules: Readonly<Record<string, Rule>> = {
  ...legacyVolumeRules,
  emptyDir(errors, path, { volume }) {
    const limit = volume.emptyDir?.sizeLimit;
    if (limit !== undefined && (parseNano(limit) ?? 0n) < 0n) {
      errors.push(forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity'));
    }
  },
  hostPath(errors, path, { volume }) {
    const { path: target, type } = volume.hostPath!;
    if (!target) return void errors.push(required(`${path}.path`));
    checkNoBacksteps(errors, `${path}.path`, target);
    if (type !== undefined && !hostPathTypes.includes(type)) {
      errors.push(notSupported(`${path}.type`, type, hostPathTypes));
    }
  },
  secret(errors, path, { volume }) {
    const { secretName, defaultMode, items } = volume.secret!;
    if (!secretName) errors.push(required(`${path}.secretName`));
    checkMode(errors, `${path}.defaultMode`, defaultMode);
    eachAt(`${path}.items`, items, (at, item) => checkKeyToPath(errors, at, item));
  },
  configMap(errors, path, { volume }) {
    const { name, defaultMode, items } = volume.configMap!;
    if (!name) errors.push(required(`${path}.name`));
    checkMode(errors, `${path}.defaultMode`, defaultMode);
    eachAt(`${path}.items`, items, (at, item) => checkKeyToPath(errors, at, item));
  },
  downwardAPI(errors, path, { volume }) {
    checkMode(errors, `${path}.defaultMode`, volume.downwardAPI!.defaultMode);
    for (const file of volume.downwardAPI!.items ?? []) checkDownwardFile(errors, path, file);
  },
  projected(errors, path, { volume }) {
    checkMode(errors, `${path}.defaultMode`, volume.projected!.defaultMode);
    checkProjection(errors, path, { sources: volume.projected!.sources, checkDownwardFile, checkKeyToPath });
  },
  persistentVolumeClaim(errors, path, { volume }) {
    if (!volume.persistentVolumeClaim!.claimName) errors.push(required(`${path}.claimName`));
  },
  nfs(errors, path, { volume }) {
    const { server, path: target } = volume.nfs!;
    if (!server) errors.push(required(`${path}.server`));
    if (!target) errors.push(required(`${path}.path`));
    if (!target?.startsWith('/')) errors.push(invalid(`${path}.path`, target ?? '', 'must be an absolute path'));
  },
  csi(errors, path, { volume }) {
    const { driver, nodePublishSecretRef } = volume.csi!;
    checkDriverName(errors, `${path}.driver`, driver);
    if (!nodePublishSecretRef) return;
    const name = nodePublishSecretRef.name;
    if (!name) errors.push(required(`${path}.nodePublishSecretRef.name`));
    else pushInvalid(errors, `${path}.name`, name, checkSubdomain(name));
  },
  ephemeral(errors, path, { volume, scope }) {
    const template = volume.ephemeral!.volumeClaimTemplate;
    if (!template) errors.push(required(`${path}.volumeClaimTemplate`));
    else checkClaimSpec(errors, `${path}.volumeClaimTemplate.spec`, template.spec);
    if (!scope.metadata?.name || !volume.name) return;
    const claim = `${scope.metadata.name}-${volume.name}`;
    const field = path.replace(/ephemeral$/, 'name');
    for (const message of checkSubdomain(claim)) {
      errors.push(invalid(field, volume.name, `PVC name ${JSON.stringify(claim)}: ${message}`));
    }
  },
  image(errors, path, { volume, scope }) {
    const { reference, pullPolicy } = volume.image!;
    if (!scope.template && !reference) errors.push(required(`${path}.reference`));
    checkPullPolicy(errors, `${path}.pullPolicy`, pullPolicy);
  },
  gitRepo(errors, path, { volume }) {
    if (!volume.gitRepo!.repository) errors.push(required(`${path}.repository`));
    checkLocalPath(errors, `${path}.directory`, volume.gitRepo!.directory ?? '');
  },
};

/** When an image is pulled. */
export function checkPullPolicy(errors: FieldError[], path: string, policy: string | undefined): void {
  if (!policy) errors.push(required(path));
  else if (!pullPolicies.includes(policy)) errors.push(notSupported(path, policy, pullPolicies));
}

/** CSI driver names: like a domain, in any case. */
export function checkDriverName(errors: FieldError[], path: string, name: string | undefined): void {
  if (!name) return void errors.push(required(path));
  if (name.length > 63) {
    const message = 'Too long: may not be more than 63 bytes';
    errors.push({ reason: 'FieldValueTooLong', field: path, message });
  }
  pushInvalid(errors, path, name, checkSubdomain(name.toLowerCase()));
}

function checkKeyToPath(
  errors: FieldError[],
  path: string,
  item: { key: string; path: string; mode?: number | undefined },
): void {
  if (!item.key) errors.push(required(`${path}.key`));
  if (!item.path) errors.push(required(`${path}.path`));
  checkLocalFile(errors, `${path}.path`, item.path ?? '');
  checkMode(errors, `${path}.mode`, item.mode);
}

function checkDownwardFile(
  errors: FieldError[],
  path: string,
  file: NonNullable<NonNullable<Volume['downwardAPI']>['items']>[number],
): void {
  if (!file.path) errors.push(required(`${path}.path`));
  checkLocalFile(errors, `${path}.path`, file.path ?? '');
  if (file.fieldRef) {
    checkFieldRef(errors, `${path}.fieldRef`, { ref: file.fieldRef, allowed: volumeFields });
    if (file.resourceFieldRef) {
      errors.push(invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
    }
  } else if (file.resourceFieldRef) {
    checkResourceFieldRef(errors, `${path}.resourceFieldRef`, { ref: file.resourceFieldRef, volume: true });
  } else errors.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
  checkMode(errors, `${path}.mode`, file.mode);
}
