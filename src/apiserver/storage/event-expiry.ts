import type { Clock, Log } from '#base';
import { isAbort } from '#base';
import { type Store, StoreError } from '#store';
import type { WatchCache } from '../watch-cache/watch-cache.ts';
import { storeKey } from './keys.ts';

const storagePrefix = 'events';
const maxSweepMs = 60_000;

export interface EventExpiryOptions {
  readonly cache: WatchCache;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Upstream's --event-ttl. */
  readonly ttlMs: number;
}

/** Removes events that nobody has written for `ttlMs`, as upstream's leases do, to the minute. Those that were there at the start count from then. */
export function startEventExpiry({ cache, store, clock, log, ttlMs }: EventExpiryOptions): Disposable {
  const events = cache.of(storagePrefix);
  // The oldest write first: a key is put at the end each time.
  const written = new Map<string, number>();
  const note = (key: string, timeMs: number) => {
    written.delete(key);
    written.set(key, timeMs);
  };
  const noteAll = () => {
    for (const { key } of events.all('')) if (!written.has(key)) note(key, clock.now());
  };
  const listening = events.listen({
    onEvent: event => (event.item ? note(event.key, event.timeMs) : void written.delete(event.key)),
    onRefilled: gone => {
      for (const { key } of gone) written.delete(key);
      noteAll();
    },
  });
  noteAll();
  const sweep = async () => {
    const oldestMs = clock.now() - ttlMs;
    for (const [key, timeMs] of written) {
      if (timeMs > oldestMs) return;
      const item = events.get(key);
      if (item) await remove(store, { key: storeKey(storagePrefix, key), revision: item.revision });
      written.delete(key);
    }
  };
  let timer: Disposable;
  const tick = () => {
    void sweep()
      .catch((error: unknown) => {
        if (!isAbort(error)) log.warn('old events could not be removed', { error });
      })
      .finally(arm);
  };
  let isOver = false;
  const arm = () => {
    if (!isOver) timer = clock.timer(Math.min(maxSweepMs, ttlMs / 4), tick, { unref: true });
  };
  arm();
  return {
    [Symbol.dispose]() {
      isOver = true;
      timer[Symbol.dispose]();
      listening[Symbol.dispose]();
    },
  };
}

async function remove(store: Store, { key, revision }: { key: string; revision: number }): Promise<void> {
  try {
    await store.write({ key, value: undefined, expect: revision });
  } catch (error) {
    // Written or removed at this moment: then it is not due.
    if (!(error instanceof StoreError) || error.code !== 'conflict') throw error;
  }
}
