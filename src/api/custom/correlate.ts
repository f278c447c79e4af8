import { canonicalJson } from './equal.ts';
import { isObject, propertyOf, type Schema } from './schema.ts';

/** Finds the item of the old list that an item of the new one was; undefined: there is none, or nobody can tell. */
export type FindItem = (item: unknown) => unknown;

/** Items can be told from each other only where x-kubernetes-list-type is `map`: by their keys, with the keys' defaults. */
export function createItemFinder(schema: Schema): (old: unknown) => FindItem | undefined {
  const keyOf = createKeyOf(schema);
  if (!keyOf) return () => undefined;
  return old => {
    if (!Array.isArray(old) || old.length === 0) return undefined;
    let index: Map<string, unknown> | undefined;
    return item => {
      const key = keyOf(item);
      if (key === undefined) return undefined;
      index ??= indexOf(old, keyOf);
      return index.get(key);
    };
  };
}

function indexOf(list: readonly unknown[], keyOf: (item: unknown) => string | undefined): Map<string, unknown> {
  const index = new Map<string, unknown>();
  for (const item of list) {
    const key = keyOf(item);
    if (key !== undefined && !index.has(key)) index.set(key, item);
  }
  return index;
}

/** The key of an item of a map list, as text; undefined for lists of other types, and for items that are no objects. */
function createKeyOf(schema: Schema): ((item: unknown) => string | undefined) | undefined {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (schema['x-kubernetes-list-type'] !== 'map' || keys.length === 0) return undefined;
  const fields = keys.map(name => ({ name, default: (schema.items && propertyOf(schema.items, name))?.default }));
  const [first] = fields;
  return item => {
    if (!isObject(item)) return undefined;
    // One name is the usual key.
    if (first && fields.length === 1 && Object.hasOwn(item, first.name)) {
      const value = item[first.name];
      if (typeof value === 'string') return `s${value}`;
    }
    return canonicalJson(
      fields.map(field => (Object.hasOwn(item, field.name) ? item[field.name] : (field.default ?? null))),
    );
  };
}
