import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, Resource } from '#api';
import { groupResourceOf } from '#api';
import type { ListSelection, WatchEvent } from '../client.ts';
import { ApiError } from '../errors.ts';
import { keyOfObject } from '../object-cache.ts';
import { isSelected } from './select.ts';

interface Change {
  revision: number;
  resource: string;
  /** Undefined: there was or is none. */
  old: KubeObject | undefined;
  object: KubeObject | undefined;
}

/** Revisioned objects in memory with a log for watches. Knows nothing of Kubernetes rules but versions and selections. */
export interface FakeStore {
  revision(): number;
  get(resource: Resource<KubeObject>, key: string): KubeObject | undefined;
  all(resource: Resource<KubeObject>): KubeObject[];
  /** Stamps the next resourceVersion and returns what is stored; an unchanged object keeps its version. */
  put(resource: Resource<KubeObject>, object: KubeObject): KubeObject;
  remove(resource: Resource<KubeObject>, object: KubeObject): KubeObject;
  watch(resource: Resource<KubeObject>, selection: ListSelection): AsyncIterable<WatchEvent<KubeObject>>;
  /** Forgets the log: a watch from before answers 410. */
  compact(): void;
  /** Ends every open watch. */
  closeWatches(): void;
  openWatches(): number;
}

export function createFakeStore(): FakeStore {
  const tables = new Map<string, Map<string, KubeObject>>();
  const watchers = new Set<{ wake(): void; end(): void }>();
  let changes: Change[] = [];
  let [revision, compacted] = [0, 0];
  const table = (resource: Resource<KubeObject>) => {
    const name = groupResourceOf(resource);
    return tables.get(name) ?? tables.set(name, new Map()).get(name)!;
  };
  const commit = (resource: Resource<KubeObject>, old: KubeObject | undefined, object: KubeObject | undefined) => {
    changes.push({ revision, resource: groupResourceOf(resource), old, object });
    for (const watcher of watchers) watcher.wake();
  };
  const stamp = (object: KubeObject): KubeObject => {
    const copy = structuredClone(object);
    copy.metadata.resourceVersion = String(++revision);
    return copy;
  };
  return {
    revision: () => revision,
    get: (resource, key) => table(resource).get(key),
    all: resource => [...table(resource).values()],
    put(resource, object) {
      const key = keyOfObject(object);
      const old = table(resource).get(key);
      const same = { ...object, metadata: { ...object.metadata, resourceVersion: old?.metadata.resourceVersion } };
      if (old && isDeepStrictEqual(plain(same), plain(old))) return old;
      const stored = stamp(object);
      table(resource).set(key, stored);
      commit(resource, old, stored);
      return stored;
    },
    remove(resource, object) {
      const old = table(resource).get(keyOfObject(object));
      table(resource).delete(keyOfObject(object));
      const last = stamp(object);
      commit(resource, old ? { ...old, metadata: last.metadata } : last, undefined);
      return last;
    },
    async *watch(resource, selection) {
      let at = selection.resourceVersion === undefined ? revision : Number(selection.resourceVersion);
      let [wake, ended] = [() => {}, false];
      const watcher = {
        wake: () => wake(),
        end: () => {
          ended = true;
          wake();
        },
      };
      watchers.add(watcher);
      selection.signal?.addEventListener('abort', watcher.end);
      try {
        while (!ended && !selection.signal?.aborted) {
          if (at < compacted) throw gone(at, compacted);
          const news = changes.filter(change => change.revision > at && change.resource === groupResourceOf(resource));
          at = revision;
          for (const change of news) {
            const event = toEvent(change, selection);
            if (event) yield { ...event, object: handedOut(event.object, selection) } as WatchEvent<KubeObject>;
          }
          if (at === revision && !ended) await new Promise<void>(resolve => (wake = resolve));
        }
        selection.signal?.throwIfAborted();
      } finally {
        selection.signal?.removeEventListener('abort', watcher.end);
        watchers.delete(watcher);
      }
    },
    compact() {
      changes = [];
      compacted = revision;
    },
    closeWatches() {
      for (const watcher of [...watchers]) watcher.end();
    },
    openWatches: () => watchers.size,
  };
}

/** What a list or watch gives: a copy, of the metadata alone if that is asked for. Who shares gets it frozen, so that a test sees who changes it all the same. */
export function handedOut<T extends { metadata: object }>(object: T, { metadataOnly, shares }: ListSelection): T {
  const partial = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
  const copy = structuredClone(metadataOnly ? (partial as unknown as T) : object);
  return shares ? frozen(copy) : copy;
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}

/** Without members that are undefined, as JSON would carry it. */
export function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

function gone(at: number, compacted: number): ApiError {
  const message = `too old resource version: ${at} (${compacted})`;
  return new ApiError({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Expired', code: 410, message });
}

function toEvent({ old, object }: Change, selection: ListSelection): WatchEvent<KubeObject> | undefined {
  const [was, is] = [old && isSelected(old, selection), object && isSelected(object, selection)];
  if (object && is) return { type: was ? 'MODIFIED' : 'ADDED', object };
  if (!was || !old) return undefined;
  const metadata = { ...old.metadata, resourceVersion: (object ?? old).metadata.resourceVersion };
  return { type: 'DELETED', object: { ...old, metadata } };
}
