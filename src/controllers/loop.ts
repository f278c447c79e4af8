import type { KubeObject } from '#api';
import type { Running } from '#base';
import type { Informer, InformerEvent, KeyedQueue, QueueOutcome } from '#client';
import { startQueue } from '#client';
import type { ControllerDeps } from './controller.ts';

export interface LoopOptions {
  name: string;
  /** Upstream's --concurrent-*-syncs. Default 5. */
  concurrency?: number;
  /** Work begins when all these have synced, so that absence in them means absence. */
  informers: readonly Pick<Informer<KubeObject>, 'whenSynced' | 'synced'>[];
  /** Brings the world to what the key's object asks for. A rejection brings the key again. */
  sync(key: string, signal: AbortSignal): Promise<QueueOutcome>;
}

/** A controller's usual shape: changes of objects become keys, keys are worked on one at a time each. */
export interface Loop extends Running {
  queue: Pick<KeyedQueue, 'add' | 'addAfter'>;
  /** Adds the keys that a change of an object means. */
  on<T extends KubeObject>(
    informer: Informer<T>,
    keys: (event: InformerEvent<T>) => Iterable<string | undefined>,
  ): void;
  /** Adds a key now and then again every period, counted from its last end. */
  every(periodMs: number, key: string): void;
  /** Disposed with the loop. */
  own(resource: Disposable | AsyncDisposable): void;
}

/** Starts the loop. The caller wires informers to it with `on` and returns it as its Running. */
export function startLoop({ clock, log }: ControllerDeps, options: LoopOptions): Loop {
  const owned = new AsyncDisposableStack();
  const periods = new Map<string, number>();
  const synced = Promise.all(options.informers.map(informer => informer.whenSynced()));
  // Only the first key that is worked on needs to know.
  synced.catch(() => undefined);
  const handle = async (key: string, signal: AbortSignal): Promise<QueueOutcome> => {
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    await Promise.race([synced, stopped]).finally(() => signal.removeEventListener('abort', abort));
    const period = periods.get(key);
    return (await options.sync(key, signal)) ?? (period ? { afterMs: period } : undefined);
  };
  const { name, concurrency = 5 } = options;
  const queue = startQueue({ name, concurrency, handle }, { clock, log });
  owned.use(queue);
  return {
    queue,
    on(informer, keys) {
      const subscription = informer.onChange(event => {
        for (const key of keys(event)) if (key) queue.add(key);
      });
      owned.use(subscription);
    },
    every(periodMs, key) {
      periods.set(key, periodMs);
      queue.add(key);
    },
    own: resource => void owned.use(resource),
    ready: () => (options.informers.every(informer => informer.synced()) ? undefined : 'waiting for the first listing'),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
