import { isDeepStrictEqual } from 'node:util';
import { isRecord } from './fetch.ts';

type Fields = Record<string, unknown>;

/** The parts of an OpenAPI v2 document that are merged. */
export interface Spec {
  paths: Fields;
  definitions: Fields;
  readonly [field: string]: unknown;
}

const prefix = '#/definitions/';

/** Of a document, the paths below `apis/<group>/<version>` and the definitions that those use; undefined when there are none. */
export function specOfVersions(document: unknown, names: readonly string[]): Spec | undefined {
  if (!isRecord(document) || !isRecord(document['paths'])) return undefined;
  const all = isRecord(document['definitions']) ? document['definitions'] : {};
  const isOurs = (path: string) => names.some(name => path === `/${name}/` || path.startsWith(`/${name}/`));
  const paths = Object.fromEntries(Object.entries(document['paths']).filter(([path]) => isOurs(path)));
  if (Object.keys(paths).length === 0) return undefined;
  const definitions: Fields = {};
  const waiting = [...namesIn(paths)];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (name in definitions || !Object.hasOwn(all, name)) continue;
    definitions[name] = all[name];
    waiting.push(...namesIn(all[name]));
  }
  return { paths, definitions };
}

/** A document with another's paths. Definitions of the same name are one when they are the same, else the added one gets a new name (`_v2`), as upstream. */
export function addSpec(base: Spec, added: Spec): Spec {
  const renamed = new Map<string, string>();
  for (const [name, definition] of Object.entries(added.definitions)) {
    if (!Object.hasOwn(base.definitions, name) || isDeepStrictEqual(base.definitions[name], definition)) continue;
    renamed.set(name, freeName(name, base.definitions, added.definitions));
  }
  const { paths, definitions } = renamed.size > 0 ? withNames(added, renamed) : added;
  return {
    ...base,
    // What this server says of a path counts: no other server may speak for it.
    paths: { ...paths, ...base.paths },
    definitions: { ...base.definitions, ...definitions },
  };
}

function freeName(name: string, ...taken: readonly Fields[]): string {
  for (let number = 2; ; number++) {
    const candidate = `${name}_v${number}`;
    if (!taken.some(names => Object.hasOwn(names, candidate))) return candidate;
  }
}

function withNames({ paths, definitions }: Spec, renamed: ReadonlyMap<string, string>): Spec {
  const rewrite = (value: unknown) =>
    JSON.parse(JSON.stringify(value), (key, item) => {
      if (key !== '$ref' || typeof item !== 'string' || !item.startsWith(prefix)) return item;
      const name = item.slice(prefix.length);
      return prefix + (renamed.get(name) ?? name);
    });
  const entries = Object.entries(definitions).map(([name, definition]) => [renamed.get(name) ?? name, definition]);
  return { paths: rewrite(paths), definitions: rewrite(Object.fromEntries(entries)) };
}

/** Names of definitions that a value refers to. */
function namesIn(value: unknown): Set<string> {
  const names = new Set<string>();
  JSON.stringify(value, (key, item) => {
    if (key === '$ref' && typeof item === 'string' && item.startsWith(prefix)) names.add(item.slice(prefix.length));
    return item;
  });
  return names;
}
