import type { Node, Pod } from '#api';
import { resources } from '#api';
import type { Clock, Log } from '#base';
import { type Client, type Informer, isAlreadyExists, isNotFound, type QueueOutcome, startQueue } from '#client';
import { isMirror } from './pod-spec.ts';

const mirrorNote = 'kubernetes.io/config.mirror';
const hashNote = 'kubernetes.io/config.hash';
/** What the API server refuses for a moment is asked again this soon. */
const backoff = { firstMs: 50, maxMs: 10_000 };

/** Keeps the API server's picture of static pods right: one mirror each, no mirror of what is gone. */
export interface Mirrors extends AsyncDisposable {
  /** Looks at the static pod or mirror of this name. */
  check(pod: Pod): void;
  /** Looks at all. */
  checkAll(): void;
}

/** What fails is logged and tried again: nothing else may come that would have us look. */
export function startMirrors(options: {
  client: Client;
  statics(): readonly Pod[];
  pods: Informer<Pod>;
  /** Undefined while the API server does not know the node. */
  node(): Node | undefined;
  clock: Clock;
  log: Log;
}): Mirrors {
  const { client, pods } = options;
  const keyOf = ({ metadata: { namespace, name } }: Pod) => `${namespace}/${name}`;

  async function handle(key: string): Promise<QueueOutcome> {
    if (!pods.synced()) return { afterMs: 500 };
    const pod = options.statics().find(one => keyOf(one) === key);
    const [namespace, name] = key.split('/') as [string, string];
    const found = pods.get(namespace, name);
    if (found && isMirror(found) && !isCurrent(found, pod)) await remove(found);
    // Only with its node as the owner is a mirror taken; the node's arrival brings us here again, as the end of an old mirror does.
    const node = options.node();
    if (!pod || found || !node) return;
    await client.create(resources.pods, mirrorOf(pod, node)).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
  }
  async function remove(mirror: Pod): Promise<void> {
    const { namespace, name, uid } = mirror.metadata;
    const how = { gracePeriodSeconds: 0, preconditions: { uid } };
    await client.delete(resources.pods, { namespace, name }, how).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }

  const queue = startQueue({ name: 'mirror-pods', handle, backoff }, options);
  return {
    check: pod => queue.add(keyOf(pod)),
    checkAll() {
      for (const pod of [...options.statics(), ...pods.list().filter(isMirror)]) queue.add(keyOf(pod));
    },
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  };
}

function isCurrent(mirror: Pod, pod: Pod | undefined): boolean {
  if (mirror.metadata.deletionTimestamp) return false;
  return pod?.metadata.annotations?.[hashNote] === mirror.metadata.annotations?.[mirrorNote];
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
