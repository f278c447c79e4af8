import { isEqual, scalarKey, type Work } from './equality.ts';
import { CelDuration, type CelList, type CelMap, CelStruct, CelTimestamp, isList, isMap, itemsOf } from './values.ts';

/** Values to look others up in, faster than by comparing with each: only those of the same hash are compared. */
export interface ValueIndex {
  add(value: unknown): void;
  /** Whether there is one that is equal: `isEqual(there, value)`. */
  has(value: unknown): boolean;
}

/** Below this, comparing with each is as fast. */
const minLength = 8;
/** Long texts are told apart by their beginning, their end and their length. */
const hashedLength = 16;
/** Units of work per value, which has to be made from what stands in the object. */
const valueWork = 3;

export function createValueIndex(work: Work): ValueIndex {
  const known: unknown[] = [];
  let byHash: Map<number, unknown[]> | undefined;
  const file = (value: unknown) => {
    const hash = hashOf(value, work);
    const same = byHash!.get(hash);
    if (same) same.push(value);
    else byHash!.set(hash, [value]);
  };
  return {
    add(value) {
      known.push(value);
      if (byHash) file(value);
    },
    has(value) {
      if (known.length > minLength && !byHash) {
        byHash = new Map();
        known.forEach(file);
      }
      const candidates = byHash ? byHash.get(hashOf(value, work)) : known;
      return candidates?.some(other => isEqual(other, value, work)) ?? false;
    },
  };
}

/** Of all items of a list. */
export function indexOfItems(list: CelList, work: Work): ValueIndex {
  const index = createValueIndex(work);
  for (const item of itemsOf(list)) index.add(item);
  return index;
}

/** A whole number of 32 bits that equal values share, whatever types of numbers and lists they are made of. */
export function hashOf(value: unknown, work: Work): number {
  work(valueWork);
  const key = scalarKey(value);
  if (key !== undefined) return hashText(key);
  if (typeof value !== 'object' || value === null) return 1;
  if (isMap(value)) return hashMap(value, work);
  if (isList(value)) return hashList(value, work);
  if (value instanceof CelTimestamp || value instanceof CelDuration) return hashText(String(value.nanos));
  if (value instanceof CelStruct) return mix(2, value.fields.size);
  // Their own equality may be wider than what could be said here.
  return 3;
}

/** Members in any order. */
function hashMap(map: CelMap, work: Work): number {
  let sum = mix(4, map.size);
  for (const key of map.keyList()) sum = (sum + mix(hashText(scalarKey(key) ?? ''), hashOf(map.find(key), work))) | 0;
  return sum;
}

/**
 * A list of the type `set` is equal to one with the same items in another order, some of them twice, and one of the type `map` to one with the same keys and, where
 * keys stand there twice, other items: nothing is said of those.
 */
function hashList(list: CelList, work: Work): number {
  const hash = mix(5, list.size);
  if (list.size === 0) return hash;
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const item of itemsOf(list)) {
    // One of a map list is a map.
    const own = isMap(item) ? 6 : hashOf(item, work);
    least = Math.min(least, own);
    most = Math.max(most, own);
  }
  return mix(mix(hash, least), most);
}

function hashText(text: string): number {
  const { length } = text;
  let hash = length;
  const end = Math.min(length, hashedLength);
  for (let index = 0; index < end; index++) hash = mix(hash, text.charCodeAt(index));
  for (let index = Math.max(end, length - hashedLength); index < length; index++)
    hash = mix(hash, text.charCodeAt(index));
  return hash;
}

/** Depends on the order of both. */
function mix(hash: number, value: number): number {
  return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ Math.imul(value, 0x297a2d39)) | 0;
}
