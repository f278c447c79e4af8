import type { UnknownObject } from '#api';
import type { Clock } from '#base';
import { formatTime } from '#base';
import type { Store } from '#store';
import { StoreError } from '#store';
import { encodeObject } from '../storage/encode.ts';
import type { Item } from '../storage/item.ts';
import { storeKey } from '../storage/keys.ts';
import type { WatchCache } from '../watch-cache/watch-cache.ts';

export interface InstanceDeps {
  readonly store: Store;
  readonly cache: WatchCache;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Written at a time, so that they share a transaction and nobody else waits long. */
const batch = 256;

/**
 * Deletes all instances of a resource, or marks those for deletion that have finalizers. Past admission, as upstream; and in the version in which each is stored,
 * so that no webhook can hold it up.
 */
export async function deleteInstances(storagePrefix: string, deps: InstanceDeps): Promise<void> {
  const { cache, signal } = deps;
  const waiting = cache.of(storagePrefix).all('');
  while (waiting.length > 0) {
    signal.throwIfAborted();
    await Promise.all(waiting.splice(0, batch).map(item => deleteInstance(storagePrefix, item.key, deps)));
  }
}

async function deleteInstance(storagePrefix: string, objectKey: string, deps: InstanceDeps): Promise<void> {
  const { store, cache, clock } = deps;
  const key = storeKey(storagePrefix, objectKey);
  for (;;) {
    const item = cache.of(storagePrefix).get(objectKey);
    if (!item || (item.object().metadata.deletionTimestamp && isHeld(item))) return;
    const value = isHeld(item) ? encodeObject(marked(item.object(), clock.now())) : undefined;
    try {
      const { revision } = await store.write({ key, value, expect: item.revision, volatile: false });
      return await cache.waitFor(revision, deps.signal);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'conflict') throw error;
      // Somebody wrote in between: the next try must see it.
      await cache.waitFor(error.entry?.revision ?? store.revision(), deps.signal);
    }
  }
}

function isHeld(item: Item): boolean {
  return (item.object().metadata.finalizers?.length ?? 0) > 0;
}

function marked(object: UnknownObject, nowMs: number): UnknownObject {
  const { generation } = object.metadata;
  const metadata = {
    ...object.metadata,
    deletionTimestamp: formatTime(nowMs),
    deletionGracePeriodSeconds: 0,
    ...(generation ? { generation: generation + 1 } : {}),
  };
  return { ...object, metadata };
}

/** Instances with finalizers take as long as whoever set them; after this the deletion is tried anew. */
const patienceMs = 60_000;

/** Resolves when there is no instance any more; rejects when that takes too long, or the signal aborts. */
export async function instancesGone(storagePrefix: string, { cache, clock, signal }: InstanceDeps): Promise<void> {
  signal.throwIfAborted();
  const instances = cache.of(storagePrefix);
  const done = Promise.withResolvers<void>();
  const look = () => {
    if (instances.size === 0) done.resolve();
  };
  const abort = () => done.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  using _late = clock.timer(patienceMs, () => done.reject(new Error('timed out waiting for the condition')), {
    unref: true,
  });
  using _listening = instances.listen({ onEvent: look, onRefilled: look });
  look();
  try {
    await done.promise;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
