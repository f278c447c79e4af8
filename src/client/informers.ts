import type { KubeObject, Resource } from '#api';
import { groupResourceOf } from '#api';
import type { Clock, Log, Random } from '#base';
import { createRandom } from '#base';
import type { Client } from './client.ts';
import type { Informer, InformerEvent, InformerOptions, Informers } from './informer.ts';
import { cacheKey, createObjectCache } from './object-cache.ts';
import { runReflector } from './reflector.ts';

export interface InformersOptions {
  /** Whose rights the lists and watches use. */
  client: Client;
  clock: Clock;
  log: Log;
  /** Spreads retries and watch ends. Default: the machine's. */
  random?: Random;
}

/**
 * Informers that share one local copy per selection. An informer starts when it is first asked for and runs until the whole set is disposed, which
 * ends all watches and drops all handlers.
 */
export function createInformers(options: InformersOptions): Informers {
  const running = new Map<string, RunningInformer<KubeObject>>();
  const ending = new Set<Promise<void>>();
  const all = () => Promise.all(Array.from(running.values(), one => one.informer.whenSynced()));
  return {
    of<T extends KubeObject>(resource: Resource<T>, selection: InformerOptions<T> = {}): Informer<T> {
      const key = selectionKey(resource, selection);
      let one = running.get(key) as RunningInformer<T> | undefined;
      if (!one) {
        one = startInformer(options, resource, selection);
        running.set(key, one as unknown as RunningInformer<KubeObject>);
      }
      for (const [name, index] of Object.entries(selection.indexes ?? {})) one.addIndex(name, index);
      return one.informer;
    },
    leave(resource, selection = {}) {
      const key = selectionKey(resource, selection);
      const one = running.get(key);
      if (!one) return;
      running.delete(key);
      one.stop(new Error('nobody follows this any more'));
      ending.add(one.ended);
      one.ended.then(() => ending.delete(one.ended));
    },
    async whenSynced(signal) {
      if (!signal) return void (await all());
      signal.throwIfAborted();
      const { promise, reject } = Promise.withResolvers<never>();
      const abort = () => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      await Promise.race([all(), promise]).finally(() => signal.removeEventListener('abort', abort));
    },
    async [Symbol.asyncDispose]() {
      for (const one of running.values()) one.stop(new Error('the informers are disposed'));
      await Promise.all([...ending, ...Array.from(running.values(), one => one.ended)]);
    },
  };
}

interface RunningInformer<T extends KubeObject> {
  informer: Informer<T>;
  addIndex(name: string, index: (object: T) => readonly string[]): void;
  stop(reason: Error): void;
  ended: Promise<void>;
}

function selectionKey<T extends KubeObject>(resource: Resource<T>, selection: InformerOptions<T>): string {
  const { namespace = '', labelSelector = '', fieldSelector = '', ownershipOnly = false } = selection;
  return [groupResourceOf(resource), resource.version, namespace, labelSelector, fieldSelector, ownershipOnly].join(
    '|',
  );
}

function startInformer<T extends KubeObject>(
  { client, clock, log, random = createRandom() }: InformersOptions,
  resource: Resource<T>,
  { namespace, labelSelector, fieldSelector, ownershipOnly = false }: InformerOptions<T>,
): RunningInformer<T> {
  const stop = new AbortController();
  const { signal } = stop;
  const cache = createObjectCache<T>();
  const handlers = new Set<(event: InformerEvent<T>) => void>();
  const synced = Promise.withResolvers<void>();
  let isSynced = false;
  // Whoever waits sees the rejection; with nobody waiting it is no failure.
  synced.promise.catch(() => undefined);
  const call = (handle: (event: InformerEvent<T>) => void, event: InformerEvent<T>) => {
    try {
      handle(event);
    } catch (error) {
      log.error('informer handler failed', { resource: resource.resource, error });
    }
  };
  const emit = (events: readonly InformerEvent<T>[]) => {
    for (const event of events) for (const handle of [...handlers]) call(handle, event);
  };
  const ended = runReflector<T>({
    client,
    resource,
    selection: { namespace, labelSelector, fieldSelector, metadataOnly: ownershipOnly, shares: true },
    clock,
    random,
    log,
    signal,
    onList(objects) {
      const events = cache.replace(ownershipOnly ? objects.map(ownershipOf) : objects);
      isSynced = true;
      emit(events);
      synced.resolve();
    },
    onEvent(type, whole) {
      const object = ownershipOnly ? ownershipOf(whole) : whole;
      emit(type === 'DELETED' ? cache.remove(object) : cache.put(object));
    },
  }).then(() => {
    handlers.clear();
    synced.reject(signal.reason);
  });
  const informer: Informer<T> = {
    get: (inNamespace, name) => cache.get(cacheKey(inNamespace, name)),
    byUid: uid => cache.byUid(uid),
    list: inNamespace => (inNamespace === undefined ? cache.all() : cache.inNamespace(inNamespace)),
    byIndex: (index, value) => cache.byIndex(index, value),
    onChange(handle) {
      handlers.add(handle);
      for (const object of cache.all()) call(handle, { type: 'added', object });
      return { [Symbol.dispose]: () => void handlers.delete(handle) };
    },
    synced: () => isSynced,
    whenSynced: () => synced.promise,
  };
  return { informer, addIndex: cache.addIndex, stop: reason => stop.abort(reason), ended };
}

/** Labels, annotations and managed fields are most of what there is. */
function ownershipOf<T extends KubeObject>(object: T): T {
  const { namespace, name, uid, resourceVersion, deletionTimestamp, finalizers, ownerReferences } = object.metadata;
  const metadata: KubeObject['metadata'] = { namespace, name, uid, resourceVersion };
  if (deletionTimestamp !== undefined) metadata.deletionTimestamp = deletionTimestamp;
  if (finalizers) metadata.finalizers = finalizers;
  if (ownerReferences) metadata.ownerReferences = ownerReferences;
  return { kind: object.kind, apiVersion: object.apiVersion, metadata } as T;
}
