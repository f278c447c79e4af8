import type { KubeObject, Resource } from '#api';
import type { ObjectReader } from '../reader.ts';

/** An ObjectReader over a map, for tests of access, admission and allocation; `put` and `remove` tell the listeners. */
export interface FakeReader extends ObjectReader {
  put<T extends KubeObject>(resource: Resource<T>, ...objects: readonly T[]): void;
  remove<T extends KubeObject>(resource: Resource<T>, object: T): void;
}

type Listener = { key: string; handle: (object: KubeObject, deleted: boolean) => void };

export function createFakeReader(): FakeReader {
  const stored = new Map<string, Map<string, KubeObject>>();
  const listeners = new Set<Listener>();
  const keyOf = (resource: Resource<KubeObject>) => `${resource.resource}.${resource.group}`;
  const nameOf = (namespace: string | undefined, name: string) => `${namespace ?? ''}/${name}`;
  const tell = (key: string, object: KubeObject, deleted: boolean) => {
    for (const listener of listeners) if (listener.key === key) listener.handle(object, deleted);
  };
  const all = (key: string) => [...(stored.get(key)?.values() ?? [])];
  return {
    get: (resource, namespace, name) => stored.get(keyOf(resource))?.get(nameOf(namespace, name)) as never,
    list: (resource, namespace) =>
      all(keyOf(resource)).filter(
        object => namespace === undefined || object.metadata.namespace === namespace,
      ) as never[],
    onChange(resource, handle) {
      const listener = { key: keyOf(resource), handle: handle as Listener['handle'] };
      listeners.add(listener);
      for (const object of all(listener.key)) listener.handle(object, false);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    put(resource, ...objects) {
      const key = keyOf(resource);
      const map = stored.get(key) ?? new Map<string, KubeObject>();
      stored.set(key, map);
      for (const object of objects) {
        map.set(nameOf(object.metadata.namespace, object.metadata.name), object);
        tell(key, object, false);
      }
    },
    remove(resource, object) {
      stored.get(keyOf(resource))?.delete(nameOf(object.metadata.namespace, object.metadata.name));
      tell(keyOf(resource), object, true);
    },
  };
}
