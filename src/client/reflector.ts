import type { KubeObject, Resource } from '#api';
import type { BackoffOptions, Clock, Log, Random } from '#base';
import { backoffMs } from '#base';
import type { Client, ListSelection } from './client.ts';
import { isExpired, retryAfterMs } from './errors.ts';

/** Upstream's reflector: 800 ms doubling to 30 s. */
const failureBackoff: BackoffOptions = { firstMs: 800, maxMs: 30_000, jitter: 0.5 };
/** The server ends a watch after a random time between one and two of these, so that watches do not all come back at once. */
const watchSeconds = 300;
/** A watch that ends sooner than this without an event counts as a failure, or a broken server is asked in a tight loop. */
const shortWatchMs = 1000;

export interface ReflectorOptions<T extends KubeObject> {
  client: Client;
  resource: Resource<T>;
  selection: ListSelection;
  clock: Clock;
  random: Random;
  log: Log;
  signal: AbortSignal;
  /** The complete state; comes first, and again whenever the thread of changes was lost. */
  onList(objects: readonly T[]): void;
  onEvent(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
}

/** Follows a resource by list and watch until the signal aborts; resolves then, and never rejects. */
export async function runReflector<T extends KubeObject>(options: ReflectorOptions<T>): Promise<void> {
  const { clock, random, log, signal, resource } = options;
  const position: Position = { resourceVersion: undefined, failures: 0, expirations: 0 };
  while (!signal.aborted) {
    try {
      await followOnce(options, position);
    } catch (error) {
      if (signal.aborted) return;
      if (isExpired(error)) {
        position.resourceVersion = undefined;
        // Listing again is the answer to an expired version; only a server that says so every time is left alone for a while.
        if (position.expirations++ === 0) continue;
      }
      log.debug('cannot follow', { resource: resource.resource, attempt: position.failures, error });
      const waitMs = retryAfterMs(error) ?? backoffMs(failureBackoff, position.failures++, random);
      // The rejection says only that the signal aborted, which the loop looks at next.
      await clock.sleep(waitMs, signal).catch(() => undefined);
    }
  }
}

/** Where the reflector stands: what it has seen, and how many tries failed since it last saw anything. */
interface Position {
  resourceVersion: string | undefined;
  failures: number;
  /** Of these, versions that had expired. */
  expirations: number;
}

/** By itself: what follows a list for minutes would keep its objects, too. */
async function listOnce<T extends KubeObject>(options: ReflectorOptions<T>): Promise<string | undefined> {
  const { client, resource, selection, signal } = options;
  const list = await client.list(resource, { ...selection, signal });
  signal.throwIfAborted();
  options.onList(list.items);
  return list.metadata.resourceVersion;
}

async function followOnce<T extends KubeObject>(options: ReflectorOptions<T>, position: Position): Promise<void> {
  const { client, resource, selection, clock, random, signal } = options;
  position.resourceVersion ??= await listOnce(options);
  const startedMs = clock.monotonicMs();
  let seen = false;
  const events = client.watch(resource, {
    ...selection,
    resourceVersion: position.resourceVersion,
    allowBookmarks: true,
    timeoutSeconds: Math.round(watchSeconds * (1 + random.next())),
    signal,
  });
  for await (const event of events) {
    seen = true;
    position.failures = 0;
    position.expirations = 0;
    if (event.type !== 'BOOKMARK') options.onEvent(event.type, event.object);
    position.resourceVersion = event.object.metadata.resourceVersion;
  }
  if (seen || clock.monotonicMs() - startedMs >= shortWatchMs) position.failures = 0;
  else throw new Error('the watch ended at once');
}
