import type { Node, Pod } from '#api';
import { resources } from '#api';
import type { Log } from '#base';
import { type Client, type Informer, isAlreadyExists, isNotFound } from '#client';
import { isMirror } from './pod-spec.ts';

const mirrorNote = 'kubernetes.io/config.mirror';
const hashNote = 'kubernetes.io/config.hash';

/** Makes the API server's picture of static pods right: one mirror each, no mirror of what is gone. */
export async function syncMirrors(options: {
  client: Client;
  statics: readonly Pod[];
  informer: Informer<Pod>;
  node: Node | undefined;
  log: Log;
}): Promise<void> {
  const { client, statics, informer, node, log } = options;
  const remove = async (mirror: Pod) => {
    const { namespace, name, uid } = mirror.metadata;
    await client
      .delete(resources.pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  };
  for (const mirror of informer.list().filter(isMirror)) {
    const of = statics.find(
      pod => pod.metadata.name === mirror.metadata.name && pod.metadata.namespace === mirror.metadata.namespace,
    );
    const same = of?.metadata.annotations?.[hashNote] === mirror.metadata.annotations?.[mirrorNote];
    if (!same || mirror.metadata.deletionTimestamp) await remove(mirror);
  }
  // Only with its node as the owner is a mirror taken; the node's arrival brings us here again.
  for (const pod of node ? statics : []) {
    if (informer.get(pod.metadata.namespace, pod.metadata.name)) continue;
    await client.create(resources.pods, mirrorOf(pod, node!)).catch((error: unknown) => {
      if (!isAlreadyExists(error)) log.warn('mirror pod not created', { pod: pod.metadata.name, error });
    });
  }
}

function mirrorOf(pod: Pod, node: Node): Pod {
  const { name, namespace, labels, annotations } = pod.metadata;
  const owner = {
    apiVersion: 'v1',
    kind: 'Node',
    name: node.metadata.name,
    uid: node.metadata.uid ?? '',
    controller: true,
  };
  return {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: {
      ...{ name, namespace, labels },
      annotations: { ...annotations, [mirrorNote]: annotations?.[hashNote] ?? '' },
      ownerReferences: [owner],
    },
    spec: pod.spec,
  };
}
