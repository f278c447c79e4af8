import type { KubeObject } from '#api';
import type { InformerEvent } from './informer.ts';

type IndexFunction<T> = (object: T) => readonly string[];

/** `namespace/name`, or `/name` for cluster-scoped objects: how the cache and most queues name an object. */
export function cacheKey(namespace: string | undefined, name: string): string {
  // Joined, for a template's string would keep its parts beside it.
  return [namespace, name].join('/');
}

export const keyOfObject = (object: KubeObject): string => cacheKey(object.metadata.namespace, object.metadata.name);

/** Name of the built-in indexes; callers' names cannot begin with a colon by accident. */
const [byUid, byNamespace] = [':uid', ':namespace'];

interface Index<T> {
  of: IndexFunction<T>;
  /** Most values name one object: a set for each would take more memory than the objects' metadata. */
  entries: Map<string, string | Set<string>>;
}

/** The objects of one informer with their indexes. Every change returns the events that it means. */
export interface ObjectCache<T extends KubeObject> {
  get(key: string): T | undefined;
  all(): T[];
  byIndex(index: string, value: string): T[];
  byUid(uid: string): T | undefined;
  inNamespace(namespace: string): T[];
  addIndex(name: string, index: IndexFunction<T>): void;
  /** Nothing when this resourceVersion is held already. A new uid under an old name is a deletion and an addition. */
  put(object: T): InformerEvent<T>[];
  remove(object: T): InformerEvent<T>[];
  /** Makes the cache hold just these objects. */
  replace(objects: readonly T[]): InformerEvent<T>[];
}

export function createObjectCache<T extends KubeObject>(): ObjectCache<T> {
  const objects = new Map<string, T>();
  const indexes = new Map<string, Index<T>>();
  const file = (key: string, object: T, { of, entries }: Index<T>) => {
    for (const value of of(object)) {
      const keys = entries.get(value);
      if (keys === undefined) entries.set(value, key);
      else if (typeof keys !== 'string') keys.add(key);
      else if (keys !== key) entries.set(value, new Set([keys, key]));
    }
  };
  const unfile = (key: string, object: T) => {
    for (const { of, entries } of indexes.values()) {
      for (const value of of(object)) {
        const keys = entries.get(value);
        if (keys === key) entries.delete(value);
        else if (typeof keys === 'object' && keys.delete(key) && keys.size === 0) entries.delete(value);
      }
    }
  };
  const set = (key: string, object: T) => {
    const old = objects.get(key);
    if (old) unfile(key, old);
    objects.set(key, object);
    for (const index of indexes.values()) file(key, object, index);
  };
  const drop = (key: string): InformerEvent<T>[] => {
    const old = objects.get(key);
    if (!old) return [];
    unfile(key, old);
    objects.delete(key);
    return [{ type: 'deleted', object: old }];
  };
  const cache: ObjectCache<T> = {
    get: key => objects.get(key),
    all: () => [...objects.values()],
    byIndex: (name, value) => {
      const index = indexes.get(name);
      if (!index) throw new Error(`the informer has no index ${name}`);
      const keys = index.entries.get(value) ?? [];
      return typeof keys === 'string' ? [objects.get(keys)!] : Array.from(keys, key => objects.get(key)!);
    },
    byUid: uid => cache.byIndex(byUid, uid)[0],
    inNamespace(namespace) {
      // Many informers are never asked.
      cache.addIndex(byNamespace, object => [object.metadata.namespace ?? '']);
      return cache.byIndex(byNamespace, namespace);
    },
    addIndex(name, of) {
      if (indexes.has(name)) return;
      const index: Index<T> = { of, entries: new Map() };
      indexes.set(name, index);
      for (const [key, object] of objects) file(key, object, index);
    },
    put(object) {
      const key = keyOfObject(object);
      const old = objects.get(key);
      if (old && old.metadata.resourceVersion === object.metadata.resourceVersion) return [];
      const gone = old && old.metadata.uid !== object.metadata.uid ? drop(key) : [];
      set(key, object);
      return [...gone, old && !gone.length ? { type: 'updated', object, old } : { type: 'added', object }];
    },
    remove(object) {
      const key = keyOfObject(object);
      const old = objects.get(key);
      if (!old || old.metadata.uid !== object.metadata.uid) return [];
      drop(key);
      return [{ type: 'deleted', object }];
    },
    replace(list) {
      const keys = new Set(list.map(keyOfObject));
      const gone = [...objects.keys()].filter(key => !keys.has(key)).flatMap(drop);
      return [...gone, ...list.flatMap(object => cache.put(object))];
    },
  };
  cache.addIndex(byUid, object => (object.metadata.uid ? [object.metadata.uid] : []));
  return cache;
}
