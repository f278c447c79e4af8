import type { Clock, Log, Running } from '#base';
import type { Store } from './store.ts';
import { StoreError } from './store.ts';

export interface CompactionOptions {
  store: Store;
  clock: Clock;
  log: Log;
  /** History younger than this stays; upstream's API server asks etcd for 5 minutes. Default 5 minutes. */
  keepMs?: number;
  /** How often to compact. Default a fifth of `keepMs`. */
  everyMs?: number;
}

const defaultKeepMs = 5 * 60_000;

/** Every so often forgets history that is older than `keepMs`. An idle store is not written to. Disposing waits for a compaction under way. */
export function startCompaction(options: CompactionOptions): Running {
  const { store, clock, log, keepMs = defaultKeepMs } = options;
  const everyMs = options.everyMs ?? Math.ceil(keepMs / 5);
  const samples: { revision: number; atMs: number }[] = [];
  let working: Promise<void> = Promise.resolve();
  let timer: Disposable | undefined;
  let stopped = false;

  const compact = async (revision: number) => {
    try {
      await store.compact(revision);
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'closed')) log.warn('compaction failed', { error, revision });
    }
  };
  const tick = () => {
    const nowMs = clock.monotonicMs();
    let due: number | undefined;
    while (samples[0] && nowMs - samples[0].atMs >= keepMs) due = samples.shift()?.revision;
    if (samples.at(-1)?.revision !== store.revision()) samples.push({ revision: store.revision(), atMs: nowMs });
    if (due !== undefined && due > store.stats().compacted) working = compact(due);
    working.then(arm);
  };
  const arm = () => {
    if (!stopped) timer = clock.timer(everyMs, tick, { unref: true });
  };
  tick();
  return {
    ready: () => undefined,
    async [Symbol.asyncDispose]() {
      stopped = true;
      timer?.[Symbol.dispose]();
      await working;
    },
  };
}
