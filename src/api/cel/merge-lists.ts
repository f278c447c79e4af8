import { isEqual, itemKey, scalarKey } from './equality.ts';
import { type CelList, itemsOf } from './values.ts';

/** A list of made values with set or map semantics. */
class KeyedList implements CelList {
  readonly tag = 'list';
  readonly listType: 'set' | 'map' | undefined;
  readonly keys: readonly string[] | undefined;
  readonly #items: readonly unknown[];
  constructor(items: readonly unknown[], like: CelList) {
    this.#items = items;
    this.listType = like.listType;
    this.keys = like.keys;
  }
  get size(): number {
    return this.#items.length;
  }
  at(index: number): unknown {
    return this.#items[index];
  }
}

/**
 * `+` of lists with x-kubernetes-list-type: a set keeps each value once; in a map list, items of the right replace those of the left with the
 * same keys, at their place, and others are appended.
 */
export function mergeLists(left: CelList, right: CelList): CelList {
  const items = [...itemsOf(left)];
  if (left.listType === 'map') {
    const keys = left.keys ?? [];
    const places = new Map(items.map((item, index) => [itemKey(item, keys), index]));
    for (const item of itemsOf(right)) {
      const key = itemKey(item, keys);
      const place = places.get(key);
      if (place !== undefined) items[place] = item;
      else places.set(key, items.push(item) - 1);
    }
    return new KeyedList(items, left);
  }
  const seen = new Set(items.map(scalarKey));
  for (const item of itemsOf(right)) {
    const key = scalarKey(item);
    if (key === undefined ? items.some(other => isEqual(item, other)) : seen.has(key)) continue;
    seen.add(key);
    items.push(item);
  }
  return new KeyedList(items, left);
}
