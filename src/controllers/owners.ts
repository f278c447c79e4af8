import type { KubeObject, OwnerReference, Resource } from '#api';
import { apiVersionOf } from '#api';

/** The reference to the one owner that manages the object; undefined for an orphan. */
export function controllerRefOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(ref => ref.controller);
}

export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  return controllerRefOf(object)?.uid === owner.metadata.uid;
}

/** A reference by which `owner` manages what it makes; it blocks the owner's foreground deletion, as upstream's do. */
export function controllerRefTo<T extends KubeObject>(resource: Resource<T>, owner: T): OwnerReference {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Key (`namespace/name`) of the managing owner when it is of this resource, also of another version of it. */
export function ownerKeyOf(object: KubeObject, resource: { group: string; kind: string }): string | undefined {
  const ref = controllerRefOf(object);
  if (ref?.kind !== resource.kind || groupOf(ref.apiVersion) !== resource.group) return undefined;
  return `${object.metadata.namespace ?? ''}/${ref.name}`;
}

/** `apps` of `apps/v1`, empty of `v1`. */
export function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

/** `namespace` and `name` of a key. */
export function refOfKey(key: string): { namespace: string; name: string } {
  const at = key.indexOf('/');
  return { namespace: key.slice(0, at), name: key.slice(at + 1) };
}

/** Index of objects by the uid of their managing owner; orphans stand under `orphans/<namespace>`. */
export const controllerIndex = {
  controller: (object: KubeObject) => [controllerRefOf(object)?.uid ?? orphansOf(object.metadata.namespace)],
};

export const orphansOf = (namespace: string | undefined): string => `orphans/${namespace ?? ''}`;
