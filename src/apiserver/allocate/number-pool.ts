import type { Random } from '#base';

/** Numbers 0 to `size - 1` of which some are taken; who takes one is kept with it. Owners of a number that exists twice share it. */
export interface NumberPool {
  readonly size: number;
  isTaken(number: number): boolean;
  take(number: number, owner: object | string): void;
  /** Forgets one owner; the number is free when none is left. */
  give(number: number, owner: object | string): void;
  ownersOf(number: number): readonly (object | string)[];
  /** A free number, taken for `owner`; undefined when there is none. */
  takeAny(owner: object | string): number | undefined;
}

/** Tries at random before the pool is searched from end to end: enough while it is not nearly full. */
const randomTries = 16;

/**
 * `staticBand` numbers at the beginning are handed out last, so that users can choose there without meeting ones that were handed out (KEP-3070,
 * KEP-3668).
 */
export function createNumberPool(options: { size: number; staticBand: number; random: Random }): NumberPool {
  const { size, staticBand, random } = options;
  const owners = new Map<number, (object | string)[]>();
  const isTaken = (number: number) => owners.has(number);
  const take = (number: number, owner: object | string) => {
    const before = owners.get(number) ?? [];
    if (!before.includes(owner)) owners.set(number, [...before, owner]);
  };
  const findIn = (from: number, to: number): number | undefined => {
    const width = to - from;
    if (width <= 0) return undefined;
    for (let attempt = 0; attempt < randomTries; attempt++) {
      const number = from + Math.floor(random.next() * width);
      if (!isTaken(number)) return number;
    }
    for (let number = from; number < to; number++) if (!isTaken(number)) return number;
    return undefined;
  };
  return {
    size,
    isTaken,
    take,
    give(number, owner) {
      const left = (owners.get(number) ?? []).filter(other => other !== owner);
      if (left.length > 0) owners.set(number, left);
      else owners.delete(number);
    },
    ownersOf: number => owners.get(number) ?? [],
    takeAny(owner) {
      if (owners.size >= size) return undefined;
      const number = findIn(staticBand, size) ?? findIn(0, staticBand);
      if (number !== undefined) take(number, owner);
      return number;
    },
  };
}

/** Upstream's band sizes: a share of the range between a least and a most; small ranges have none. */
export function staticBandOf(size: number, options: { share: number; least: number; most: number }): number {
  if (size <= options.least) return 0;
  return Math.min(Math.max(options.least, Math.floor(size / options.share)), options.most);
}
