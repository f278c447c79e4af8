import type { EnvFromSource, EnvVar, PersistentVolume, Pod, Volume } from '#api';

/** Objects in the pod's own namespace that running it needs, by plural name. */
export interface PodReferences {
  readonly secrets: ReadonlySet<string>;
  readonly configmaps: ReadonlySet<string>;
  readonly persistentvolumeclaims: ReadonlySet<string>;
  readonly resourceclaims: ReadonlySet<string>;
}

/** What a pod's node must be able to read for it: pull secrets, environment, volumes, claims. */
export function podReferences(pod: Pod): PodReferences {
  const found = {
    secrets: new Set<string>(),
    configmaps: new Set<string>(),
    persistentvolumeclaims: new Set<string>(),
    resourceclaims: new Set<string>(),
  };
  const { spec } = pod;
  for (const reference of spec.imagePullSecrets ?? []) add(found.secrets, reference.name);
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
  for (const container of containers) {
    for (const source of container.envFrom ?? []) collectEnvFrom(source, found);
    for (const variable of container.env ?? []) collectEnv(variable, found);
  }
  for (const volume of spec.volumes ?? []) collectVolume(volume, pod, found);
  for (const claim of spec.resourceClaims ?? []) add(found.resourceclaims, claim.resourceClaimName);
  for (const status of pod.status?.resourceClaimStatuses ?? []) add(found.resourceclaims, status.resourceClaimName);
  return found;
}

interface Found {
  secrets: Set<string>;
  configmaps: Set<string>;
  persistentvolumeclaims: Set<string>;
}

function add(names: Set<string>, name: string | undefined): void {
  if (name) names.add(name);
}

function collectEnvFrom(source: EnvFromSource, found: Found): void {
  add(found.secrets, source.secretRef?.name);
  add(found.configmaps, source.configMapRef?.name);
}

function collectEnv(variable: EnvVar, found: Found): void {
  add(found.secrets, variable.valueFrom?.secretKeyRef?.name);
  add(found.configmaps, variable.valueFrom?.configMapKeyRef?.name);
}

function collectVolume(volume: Volume, pod: Pod, found: Found): void {
  add(found.configmaps, volume.configMap?.name);
  add(found.persistentvolumeclaims, volume.persistentVolumeClaim?.claimName);
  if (volume.ephemeral) add(found.persistentvolumeclaims, `${pod.metadata.name}-${volume.name}`);
  for (const source of volume.projected?.sources ?? []) {
    add(found.secrets, source.secret?.name);
    add(found.configmaps, source.configMap?.name);
  }
  const secretRefs = [
    volume.azureFile?.secretName,
    volume.secret?.secretName,
    volume.cephfs?.secretRef?.name,
    volume.cinder?.secretRef?.name,
    volume.csi?.nodePublishSecretRef?.name,
    volume.flexVolume?.secretRef?.name,
    volume.iscsi?.secretRef?.name,
    volume.rbd?.secretRef?.name,
    volume.scaleIO?.secretRef?.name,
    volume.storageos?.secretRef?.name,
  ];
  for (const name of secretRefs) add(found.secrets, name);
}

/** Secrets that mounting a persistent volume needs, as `namespace/name`. References without a namespace mean the claim's. */
export function volumeSecrets(volume: PersistentVolume): Set<string> {
  const { spec } = volume;
  const home = spec?.claimRef?.namespace;
  const references = [
    spec?.azureFile && { name: spec.azureFile.secretName, namespace: spec.azureFile.secretNamespace },
    spec?.cephfs?.secretRef,
    spec?.cinder?.secretRef,
    spec?.flexVolume?.secretRef,
    spec?.iscsi?.secretRef,
    spec?.rbd?.secretRef,
    spec?.scaleIO?.secretRef,
    spec?.storageos?.secretRef,
    spec?.csi?.nodePublishSecretRef,
    spec?.csi?.nodeStageSecretRef,
    spec?.csi?.nodeExpandSecretRef,
  ];
  const found = new Set<string>();
  for (const reference of references) {
    if (reference?.name) found.add(`${reference.namespace || home}/${reference.name}`);
  }
  return found;
}
