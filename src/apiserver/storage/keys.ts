import type { Kind } from '#api';

/** All keys of API objects begin with this, as upstream's. */
export const registryPrefix = '/registry/';

/** `/registry/pods/default/web` or `/registry/minions/node-1`. */
export function storeKey(storagePrefix: string, objectKey: string): string {
  return `${registryPrefix}${storagePrefix}/${objectKey}`;
}

/** What an object is called inside its resource's cache: `default/web`, or `node-1` for cluster-scoped kinds. */
export function objectKey(namespace: string | undefined, name: string): string {
  return namespace ? `${namespace}/${name}` : name;
}

/** Resource and object of a store key; undefined for keys that hold no API object. */
export type KeyParser = (key: string) => { storagePrefix: string; objectKey: string } | undefined;

/**
 * Reads store keys. Storage prefixes have one segment (`pods`), two for the kinds that say so (`services/specs`), and two for groups with a dot
 * (`example.com/widgets`), which also covers custom resources that are not served yet.
 */
export function createKeyParser(kinds: readonly Kind[]): KeyParser {
  const twoSegments = new Set(
    kinds.map(kind => kind.storagePrefix.split('/')).flatMap(([a, b]) => (a && b ? [a] : [])),
  );
  return key => {
    if (!key.startsWith(registryPrefix)) return undefined;
    const start = registryPrefix.length;
    let end = key.indexOf('/', start);
    if (end < 0) return undefined;
    const first = key.slice(start, end);
    if (first.includes('.') || twoSegments.has(first)) end = key.indexOf('/', end + 1);
    if (end < 0 || end === key.length - 1) return undefined;
    // Split and joined, for a slice would keep the whole key.
    return {
      storagePrefix: key.slice(start, end),
      objectKey: key
        .slice(end + 1)
        .split('/')
        .join('/'),
    };
  };
}

/** The resource of a store key as encryption configurations name it: `secrets`, `deployments.apps`. Undefined for keys that hold no API object. */
export function createResourceOf(kinds: readonly Kind[]): (key: string) => string | undefined {
  const parse = createKeyParser(kinds);
  const names = new Map(
    kinds.map(({ storagePrefix, resource, group }) => [storagePrefix, group ? `${resource}.${group}` : resource]),
  );
  return key => {
    const place = parse(key);
    if (!place) return undefined;
    const name = names.get(place.storagePrefix);
    if (name !== undefined) return name;
    // Custom resources: `example.com/widgets`.
    const [group, resource] = place.storagePrefix.split('/');
    return resource === undefined ? group : `${resource}.${group}`;
  };
}
