import type { Ingress, KubeObject, PersistentVolumeClaim } from '#api';
import { resources } from '#api';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { ObjectReader } from '../reader.ts';
import { draftOf, isAbout, oldOf, refuse } from './request.ts';

const defaultClassAnnotation = 'storageclass.kubernetes.io/is-default-class';
const betaDefaultClassAnnotation = 'storageclass.beta.kubernetes.io/is-default-class';
const betaClassAnnotation = 'volume.beta.kubernetes.io/storage-class';
const defaultIngressAnnotation = 'ingressclass.kubernetes.io/is-default-class';

/** Claims that name no storage class get the default one; of several defaults the newest. */
export function createDefaultStorageClass(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    mutate(request) {
      const claim = isCreate(request, resources.persistentvolumeclaims)
        ? draftOf<PersistentVolumeClaim>(request)
        : undefined;
      if (!claim?.spec) return;
      // An empty name is a name: it asks for volumes without a class.
      const hasClass =
        claim.spec.storageClassName !== undefined || claim.metadata.annotations?.[betaClassAnnotation] !== undefined;
      if (hasClass) return;
      const defaults = reader
        .list(resources.storageclasses)
        .filter(found => isMarked(found, defaultClassAnnotation) || isMarked(found, betaDefaultClassAnnotation));
      const newest = newestOf(defaults);
      if (newest) claim.spec.storageClassName = newest.metadata.name;
    },
  };
}

/** Ingresses that name no class get the default one; of several defaults the newest. */
export function createDefaultIngressClass(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    mutate(request) {
      const ingress = isCreate(request, resources.ingresses) ? draftOf<Ingress>(request) : undefined;
      if (!ingress?.spec) return;
      const isNamed =
        ingress.spec.ingressClassName !== undefined ||
        ingress.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined;
      if (isNamed) return;
      const defaults = reader.list(resources.ingressclasses).filter(found => isMarked(found, defaultIngressAnnotation));
      const newest = newestOf(defaults);
      if (newest) ingress.spec.ingressClassName = newest.metadata.name;
    },
  };
}

/** A volume or claim in use is not removed under its users: a finalizer keeps it until they are gone. */
export function createStorageObjectInUseProtection(): AdmissionPlugin {
  const finalizers: readonly [{ group: string; resource: string }, string][] = [
    [resources.persistentvolumes, 'kubernetes.io/pv-protection'],
    [resources.persistentvolumeclaims, 'kubernetes.io/pvc-protection'],
    [resources.volumeattributesclasses, 'kubernetes.io/vac-protection'],
  ];
  return {
    name: 'StorageObjectInUseProtection',
    mutate(request) {
      const [, finalizer] = finalizers.find(([resource]) => isCreate(request, resource)) ?? [];
      const metadata = request.object?.metadata;
      if (!finalizer || !metadata || metadata.finalizers?.includes(finalizer)) return;
      metadata.finalizers = [...(metadata.finalizers ?? []), finalizer];
    },
  };
}

/** A claim may only grow, only once it is bound, and only when its class allows it. */
export function createPersistentVolumeClaimResize(
  reader: ObjectReader,
  compare: (left: string, right: string) => number,
): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    validate(request) {
      if (request.operation !== 'UPDATE' || !isAbout(request, resources.persistentvolumeclaims)) return;
      const [claim, old] = [draftOf<PersistentVolumeClaim>(request), oldOf<PersistentVolumeClaim>(request)];
      const size = claim?.spec?.resources?.requests?.['storage'];
      const before = old?.spec?.resources?.requests?.['storage'];
      if (size === undefined || before === undefined || compare(size, before) <= 0) return;
      if (old?.status?.phase !== 'Bound') throw refuse(request, 'Only bound persistent volume claims can be expanded');
      const className = classOf(claim);
      const isKept = className === classOf(old);
      const found = className && isKept ? reader.get(resources.storageclasses, undefined, className) : undefined;
      if (!found?.allowVolumeExpansion) {
        const why =
          'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize';
        throw refuse(request, why);
      }
    },
  };
}

function classOf(claim: PersistentVolumeClaim | undefined): string | undefined {
  return claim?.metadata.annotations?.[betaClassAnnotation] ?? claim?.spec?.storageClassName;
}

function isMarked(object: KubeObject, annotation: string): boolean {
  return object.metadata.annotations?.[annotation] === 'true';
}

function newestOf<T extends KubeObject>(objects: readonly T[]): T | undefined {
  const time = (object: T) => object.metadata.creationTimestamp ?? '';
  const order = (a: T, b: T) =>
    time(a) < time(b) ? 1 : time(a) > time(b) ? -1 : a.metadata.name < b.metadata.name ? -1 : 1;
  return objects.toSorted(order)[0];
}

function isCreate(request: AdmissionRequest, resource: { group: string; resource: string }): boolean {
  return request.operation === 'CREATE' && isAbout(request, resource);
}
