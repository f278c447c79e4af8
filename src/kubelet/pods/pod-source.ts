import type { Pod } from '#api';
import type { Informer } from '#client';
import { isMirror } from './pod-spec.ts';

/** The pods that this node should run: the API server's, and static ones. */
export interface PodSource {
  /** Undefined: it should not be here. */
  pod(uid: string): Pod | undefined;
  byName(namespace: string, name: string): Pod | undefined;
  list(): Pod[];
  /** The object at the API server that stands for the pod: itself, or the mirror of a static one. */
  apiObject(pod: Pod): Pod | undefined;
  /** Only when true does a pod's absence mean that it should not be here. */
  synced(): boolean;
}

export function createPodSource(informer: Informer<Pod>, statics: { list(): Pod[]; synced(): boolean }): PodSource {
  const staticPod = (test: (pod: Pod) => boolean) => statics.list().find(test);
  const apiObject = (pod: Pod) => informer.get(pod.metadata.namespace, pod.metadata.name);
  /** A static pod has no status of its own: it is its mirror's. */
  const withStatus = (pod: Pod | undefined): Pod | undefined => {
    if (!pod) return undefined;
    const mirror = apiObject(pod);
    return mirror && isMirror(mirror) && mirror.status ? { ...pod, status: mirror.status } : pod;
  };
  const own = (pod: Pod | undefined) => (pod && !isMirror(pod) ? pod : undefined);
  return {
    pod: uid => own(informer.byUid(uid)) ?? withStatus(staticPod(pod => pod.metadata.uid === uid)),
    byName(namespace, name) {
      const found = informer.get(namespace, name);
      if (found && !isMirror(found)) return found;
      return withStatus(staticPod(pod => pod.metadata.namespace === namespace && pod.metadata.name === name));
    },
    list: () => [...informer.list().filter(pod => !isMirror(pod)), ...statics.list()],
    apiObject,
    synced: () => informer.synced() && statics.synced(),
  };
}
