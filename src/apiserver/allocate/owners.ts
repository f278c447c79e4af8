/** A request that is on its way, or the name of something stored. */
export type Owner = object | string;

/** Who holds what. What exists twice is shared by its owners until the last one gives it back. */
export interface Owners<K> {
  /** Things that somebody holds. */
  readonly count: number;
  has(key: K): boolean;
  of(key: K): readonly Owner[];
  take(key: K, owner: Owner): void;
  give(key: K, owner: Owner): void;
}

export function createOwners<K>(): Owners<K> {
  const owners = new Map<K, Owner[]>();
  return {
    get count() {
      return owners.size;
    },
    has: key => owners.has(key),
    of: key => owners.get(key) ?? [],
    take(key, owner) {
      const before = owners.get(key) ?? [];
      if (!before.includes(owner)) owners.set(key, [...before, owner]);
    },
    give(key, owner) {
      const left = (owners.get(key) ?? []).filter(other => other !== owner);
      if (left.length > 0) owners.set(key, left);
      else owners.delete(key);
    },
  };
}
