import type { KubeObject, PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttributesClass } from '#api';
import { isFinished } from '../pods.ts';

/** What keeps a claim: a pod that mounts it and has not ended. A pod that was never given a node keeps none (upstream's pvc-protection). */
export function isClaimInUse(claim: PersistentVolumeClaim, pods: readonly Pod[]): boolean {
  const { namespace, name } = claim.metadata;
  return pods.some(
    pod =>
      pod.metadata.namespace === namespace &&
      pod.spec.nodeName &&
      !isFinished(pod) &&
      claimNamesOf(pod).some(used => used === name),
  );
}

/** Claims that the pod's volumes name, those made for its ephemeral volumes among them. */
export function claimNamesOf(pod: Pod): string[] {
  return (pod.spec.volumes ?? []).flatMap(volume => {
    if (volume.persistentVolumeClaim) return [volume.persistentVolumeClaim.claimName];
    return volume.ephemeral ? [`${pod.metadata.name}-${volume.name}`] : [];
  });
}

/** What keeps a volume: being bound. */
export function isVolumeInUse(volume: PersistentVolume): boolean {
  return volume.status?.phase === 'Bound';
}

/** What keeps a class: claims and volumes that name it, or are changing to or from it. */
export function isClassInUse(
  { metadata: { name } }: VolumeAttributesClass,
  { claims, volumes }: { claims: readonly PersistentVolumeClaim[]; volumes: readonly PersistentVolume[] },
): boolean {
  return (
    volumes.some(({ spec }) => spec?.volumeAttributesClassName === name) ||
    claims.some(({ spec, status }) =>
      [
        spec?.volumeAttributesClassName,
        status?.currentVolumeAttributesClassName,
        status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
      ].includes(name),
    )
  );
}

/** True when the object is being deleted and only waits for this finalizer's owner. */
export function isWaiting({ metadata }: KubeObject, finalizer: string): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(finalizer);
}

/** The object without the finalizer. */
export function withoutFinalizer<T extends KubeObject>(object: T, finalizer: string): T {
  const finalizers = (object.metadata.finalizers ?? []).filter(one => one !== finalizer);
  return { ...object, metadata: { ...object.metadata, finalizers } };
}
