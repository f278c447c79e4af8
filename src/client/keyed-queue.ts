import type { Clock, Log } from '#base';
import { backoffMs } from '#base';
import { isConflict } from './errors.ts';
import type { KeyedQueue, QueueOptions } from './queue.ts';

export interface QueueDeps {
  clock: Clock;
  log: Log;
}

/** Upstream's per-item limiter: a key that fails comes back after 5 ms, 10 ms, 20 ms, ... up to 1000 s. */
const defaultBackoff = { firstMs: 5, maxMs: 1_000_000 };

/**
 * Starts a queue that hands its keys to `handle`. Disposing drops what waits, aborts the signal of what runs and resolves when that has ended.
 * The number of keys is bounded by what callers name: one key is held once, however often it is added.
 */
export function startQueue(options: QueueOptions, { clock, log }: QueueDeps): KeyedQueue {
  const { name, handle, concurrency = 1, backoff = defaultBackoff } = options;
  const waiting = new Set<string>();
  const active = new Map<string, Promise<void>>();
  /** Added again while active. */
  const again = new Set<string>();
  const delayed = new Map<string, { atMs: number; timer: Disposable }>();
  const failures = new Map<string, number>();
  const stop = new AbortController();
  let scheduled = false;

  const add = (key: string) => {
    if (stop.signal.aborted) return;
    if (active.has(key)) again.add(key);
    else waiting.add(key);
    schedule();
  };
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      drain();
    });
  };
  const drain = () => {
    for (const key of waiting) {
      if (stop.signal.aborted || active.size >= concurrency) return;
      waiting.delete(key);
      active.set(key, work(key));
    }
  };
  const work = async (key: string) => {
    try {
      // The await makes handle start after active holds the key, so that what it adds is seen as "again".
      await undefined;
      const outcome = await handle(key, stop.signal);
      failures.delete(key);
      if (outcome) addAfter(key, outcome.afterMs);
    } catch (error) {
      if (!stop.signal.aborted) retry(key, error);
    } finally {
      active.delete(key);
      if (again.delete(key)) add(key);
      else schedule();
    }
  };
  const retry = (key: string, error: unknown) => {
    const attempt = failures.get(key) ?? 0;
    failures.set(key, attempt + 1);
    const afterMs = backoffMs(backoff, attempt);
    // Conflicts are how optimistic concurrency works, not news.
    log[isConflict(error) ? 'debug' : 'warn']('work failed, will retry', { queue: name, key, attempt, afterMs, error });
    addAfter(key, afterMs);
  };
  const addAfter = (key: string, delayMs: number) => {
    if (stop.signal.aborted) return;
    const atMs = clock.monotonicMs() + delayMs;
    const earlier = delayed.get(key);
    if (earlier && earlier.atMs <= atMs) return;
    earlier?.timer[Symbol.dispose]();
    const timer = clock.timer(delayMs, () => {
      delayed.delete(key);
      add(key);
    });
    delayed.set(key, { atMs, timer });
  };
  return {
    add,
    addAfter,
    get length() {
      return waiting.size;
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error(`the queue ${name} is disposed`));
      for (const { timer } of delayed.values()) timer[Symbol.dispose]();
      delayed.clear();
      waiting.clear();
      await Promise.all(active.values());
    },
  };
}
