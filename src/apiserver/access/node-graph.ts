import type { Pod } from '#api';
import { resources } from '#api';
import type { ObjectReader } from '../reader.ts';
import { type PodReferences, podReferences, volumeSecrets } from './node-references.ts';

/** Which objects belong to which node, over the pods that are bound to it. */
export interface NodeGraph extends Disposable {
  /** Whether `node` may know of the object: it is a pod of the node, or a pod of the node needs it. */
  reaches(node: string, target: { resource: string; namespace: string; name: string }): boolean;
}

type Referenced = keyof PodReferences;

/** Keeps pods by node; what a pod refers to is worked out when first asked. Finished pods give no rights (as upstream). */
export function createNodeGraph(reader: ObjectReader): NodeGraph {
  const podsByNode = new Map<string, Map<string, Pod>>();
  const references = new WeakMap<Pod, PodReferences>();
  const watch = reader.onChange(resources.pods, (pod, deleted) => follow(podsByNode, pod, deleted));
  const referencesOf = (pod: Pod) => {
    let found = references.get(pod);
    if (!found) {
      found = podReferences(pod);
      references.set(pod, found);
    }
    return found;
  };
  const podsOf = (node: string) => [...(podsByNode.get(node)?.values() ?? [])];
  const isReferenced = (node: string, kind: Referenced, namespace: string, name: string) =>
    podsOf(node).some(pod => pod.metadata.namespace === namespace && referencesOf(pod)[kind].has(name));
  return {
    reaches(node, { resource, namespace, name }) {
      switch (resource) {
        case 'pods':
          return podsByNode.get(node)?.has(`${namespace}/${name}`) ?? false;
        case 'serviceaccounts':
          return podsOf(node).some(
            pod => pod.metadata.namespace === namespace && (pod.spec.serviceAccountName || 'default') === name,
          );
        case 'secrets':
          if (isReferenced(node, 'secrets', namespace, name)) return true;
          return volumesOf(reader, node, isReferenced).some(volume =>
            volumeSecrets(volume).has(`${namespace}/${name}`),
          );
        case 'persistentvolumes':
          return volumesOf(reader, node, isReferenced).some(volume => volume.metadata.name === name);
        case 'volumeattachments':
          return reader.get(resources.volumeattachments, undefined, name)?.spec.nodeName === node;
        case 'configmaps':
        case 'persistentvolumeclaims':
        case 'resourceclaims':
          return isReferenced(node, resource, namespace, name);
        default:
          return false;
      }
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

function follow(podsByNode: Map<string, Map<string, Pod>>, pod: Pod, deleted: boolean): void {
  const { nodeName } = pod.spec;
  if (!nodeName) return;
  const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
  const finished = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  const pods = podsByNode.get(nodeName) ?? new Map<string, Pod>();
  if (deleted) pods.delete(key);
  else if (finished) pods.set(key, withoutNeeds(pod));
  else pods.set(key, pod);
  if (pods.size > 0) podsByNode.set(nodeName, pods);
  else podsByNode.delete(nodeName);
}

/** A finished pod may still be read and deleted by its node, but needs nothing any more. */
function withoutNeeds(pod: Pod): Pod {
  return { metadata: pod.metadata, spec: { containers: [], serviceAccountName: ' ' } };
}

function volumesOf(
  reader: ObjectReader,
  node: string,
  isReferenced: (node: string, kind: Referenced, namespace: string, name: string) => boolean,
) {
  return reader.list(resources.persistentvolumes).filter(volume => {
    const claim = volume.spec?.claimRef;
    return (
      claim?.namespace !== undefined &&
      claim.name !== undefined &&
      isReferenced(node, 'persistentvolumeclaims', claim.namespace, claim.name)
    );
  });
}
