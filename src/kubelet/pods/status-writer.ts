import { isDeepStrictEqual } from 'node:util';
import type { Pod, PodCondition, PodStatus } from '#api';
import { resources } from '#api';
import type { Clock, Log } from '#base';
import { type Client, isConflict, isNotFound, startQueue } from '#client';
import type { PodSource } from './pod-source.ts';
import { isMirror, isStatic } from './pod-spec.ts';

/** Brings the status of pods to the API server: only what changed, the newest wins. */
export interface StatusWriter extends AsyncDisposable {
  set(pod: Pod, status: PodStatus): void;
  /** As last set. */
  latest(uid: string): PodStatus | undefined;
  /** True when the API server knows what was set last. */
  written(uid: string): boolean;
  forget(uid: string): void;
}

/** Conditions of the node agent; the others belong to others and are kept. */
const ownTypes: readonly string[] = [
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
  'DisruptionTarget',
];

export function createStatusWriter(options: {
  client: Client;
  clock: Clock;
  log: Log;
  source(): PodSource;
  /** The newest status has reached the API server. */
  onWritten(uid: string): void;
}): StatusWriter {
  const { client } = options;
  /** `to`: the uid of the object that it was written to. */
  const latest = new Map<string, { pod: Pod; status: PodStatus; done: boolean; to?: string | undefined }>();
  /** As the API server answered: newer than the informer for a moment. */
  const answers = new Map<string, Pod>();
  const queue = startQueue(
    { name: 'pod-status', concurrency: 8, handle: write, backoff: { firstMs: 50, maxMs: 10_000 } },
    options,
  );

  async function write(uid: string): Promise<void> {
    const entry = latest.get(uid);
    if (!entry || entry.done) return;
    const base = newest(options.source().apiObject(entry.pod), answers.get(uid));
    if (!base) return; // a static pod whose mirror is not there yet; its arrival wakes the pod
    if (!isMirror(base) && base.metadata.uid !== uid) return;
    try {
      await send(base, entry.status, uid);
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error)) throw error;
      const { namespace, name } = base.metadata;
      const fresh = await client.get(resources.pods, { namespace, name });
      if (!isMirror(fresh) && fresh.metadata.uid !== uid) return;
      await send(fresh, entry.status, uid);
    }
    if (latest.get(uid) === entry) {
      entry.done = true;
      entry.to = base.metadata.uid;
      options.onWritten(uid);
    } else queue.add(uid);
  }
  async function send(base: Pod, status: PodStatus, uid: string): Promise<void> {
    const next = { ...status, conditions: mergeConditions(base.status?.conditions, status.conditions) };
    if (isSame(base.status, next)) return;
    const answer = await client.update(resources.pods, { ...base, status: next }, { subresource: 'status' });
    answers.set(uid, answer);
  }
  /** A static pod's mirror may have been deleted and made anew, and then knows nothing yet. */
  const isUnderWay = (known: { pod: Pod; done: boolean; to?: string | undefined }, pod: Pod) =>
    isStatic(pod)
      ? known.done && known.to === options.source().apiObject(pod)?.metadata.uid
      : known.done || known.pod === pod;
  return {
    set(pod, status) {
      const uid = pod.metadata.uid ?? '';
      const known = latest.get(uid);
      if (known && isSame(known.status, status) && isUnderWay(known, pod)) return;
      latest.set(uid, { pod, status, done: false });
      queue.add(uid);
    },
    latest: uid => latest.get(uid)?.status,
    written: uid => latest.get(uid)?.done ?? false,
    forget(uid) {
      latest.delete(uid);
      answers.delete(uid);
    },
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  };
}

function newest(informed: Pod | undefined, answered: Pod | undefined): Pod | undefined {
  if (!informed || !answered || informed.metadata.uid !== answered.metadata.uid) return informed;
  const version = (pod: Pod) => Number(pod.metadata.resourceVersion ?? 0);
  return version(answered) > version(informed) ? answered : informed;
}

function mergeConditions(old: readonly PodCondition[] = [], own: readonly PodCondition[] = []): PodCondition[] {
  const mine = own.filter(condition => ownTypes.includes(condition.type));
  return [...old.filter(condition => !mine.some(one => one.type === condition.type)), ...mine];
}

function isSame(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

/** Absent and null are the same on the wire; the order of conditions means nothing. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(plain);
    const typed = items.every(item => typeof (item as { type?: unknown } | null)?.type === 'string');
    return typed ? items.sort((a, b) => ((a as { type: string }).type < (b as { type: string }).type ? -1 : 1)) : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined && member !== null);
  return Object.fromEntries(entries.map(([key, member]) => [key, plain(member)]));
}
