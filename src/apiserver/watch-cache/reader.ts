import type { KubeObject, Resource, Scheme } from '#api';
import type { ObjectReader } from '../reader.ts';
import type { Item } from '../storage/item.ts';
import { objectKey } from '../storage/keys.ts';
import type { CacheEvent } from './event.ts';
import type { ResourceCache } from './resource-cache.ts';
import type { WatchCache } from './watch-cache.ts';

/** The watch cache as parsed objects. Asking for a resource that the scheme does not have is a mistake and throws. */
export function createReader(cache: WatchCache, scheme: () => Scheme): ObjectReader {
  const prefixes = new Map<string, string>();
  const cacheOf = <T extends KubeObject>(resource: Resource<T>): ResourceCache => {
    const { group, version, resource: plural } = resource;
    const name = `${plural}.${version}.${group}`;
    let prefix = prefixes.get(name);
    if (prefix === undefined) {
      const kind = scheme().byResource(group, version, plural);
      if (!kind) throw new Error(`the scheme has no ${name}`);
      prefix = kind.storagePrefix;
      prefixes.set(name, prefix);
    }
    return cache.of(prefix);
  };
  return {
    get: (resource, namespace, name) => cacheOf(resource).get(objectKey(namespace, name))?.object() as never,
    list: (resource, namespace) =>
      cacheOf(resource)
        .all(namespace ? `${namespace}/` : '')
        .map(item => item.object()) as never[],
    onChange(resource, handle) {
      const source = cacheOf(resource);
      const tell = (event: CacheEvent) => {
        const item = event.item ?? event.previous!;
        handle(item.object() as never, event.item === undefined);
      };
      const fill = () => {
        for (const item of source.all('')) handle(item.object() as never, false);
      };
      const onRefilled = (gone: readonly Item[]) => {
        for (const item of gone) handle(item.object() as never, true);
        fill();
      };
      const listening = source.listen({ onEvent: tell, onRefilled });
      fill();
      return listening;
    },
  };
}
