import { compareValues, isEqual, scalarKey, type Work } from './equality.ts';
import { fault } from './errors.ts';
import type { Bound, Library, Row } from './signature.ts';
import { durationOf } from './time.ts';
import { createValueIndex, indexOfItems } from './value-index.ts';
import {
  ArrayList,
  CelDuration,
  type CelList,
  type CelMap,
  CelUint,
  isInt64,
  isList,
  isUint64,
  itemsOf,
  typeNameOf,
  ValueMap,
} from './values.ts';

const comparable = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];

/** Type names as upstream's sort overloads carry them. */
const goNames: Readonly<Record<string, string>> = {
  duration: 'google.protobuf.Duration',
  timestamp: 'google.protobuf.Timestamp',
};

function isSorted(list: CelList): boolean {
  for (let index = 1; index < list.size; index++) {
    if (compareValues(list.at(index - 1), list.at(index)) > 0) return false;
  }
  return true;
}

/** min (`sign` -1) and max (1). */
function extreme(name: string, sign: number): (list: CelList) => unknown {
  return list => {
    if (list.size === 0) fault(`${name} called on empty list`);
    let best = list.at(0);
    for (let index = 1; index < list.size; index++) {
      const item = list.at(index);
      if (compareValues(item, best) * sign > 0) best = item;
    }
    return best;
  };
}

/** Adds up items of one kind; faults for others, which a list may hold where null is allowed. */
function summed<T, S>(zero: S, add: (sum: S, item: T) => S, is: (item: unknown) => item is T): (list: CelList) => S {
  return list => {
    let sum = zero;
    for (const item of itemsOf(list)) sum = is(item) ? add(sum, item) : fault('no such overload');
    return sum;
  };
}

const isBigint = (item: unknown): item is bigint => typeof item === 'bigint';
const isDouble = (item: unknown): item is number => typeof item === 'number';
const isUint = (item: unknown): item is CelUint => item instanceof CelUint;
const isDuration = (item: unknown): item is CelDuration => item instanceof CelDuration;

const addInt = (sum: bigint, item: bigint): bigint => (isInt64(sum + item) ? sum + item : fault('integer overflow'));
const addUint = (sum: CelUint, { value }: CelUint): CelUint =>
  isUint64(sum.value + value) ? new CelUint(sum.value + value) : fault('unsigned integer overflow');

const sums: Readonly<Record<string, (list: CelList) => unknown>> = {
  int: summed(0n, addInt, isBigint),
  uint: summed(new CelUint(0n), addUint, isUint),
  double: summed(0, (sum, item) => sum + item, isDouble),
  duration: summed(new CelDuration(0n), (sum, { nanos }) => durationOf(sum.nanos + nanos), isDuration),
};

function placeOf(list: CelList, item: unknown, work: Work): bigint {
  for (let index = 0; index < list.size; index++) if (isEqual(list.at(index), item, work)) return BigInt(index);
  return -1n;
}

const indexOf: Bound = {
  bind:
    ({ work }) =>
    (list: CelList, item: unknown) =>
      placeOf(list, item, work),
};

const lastIndexOf: Bound = {
  bind:
    ({ work }) =>
    (list: CelList, item: unknown) => {
      for (let index = list.size - 1; index >= 0; index--)
        if (isEqual(list.at(index), item, work)) return BigInt(index);
      return -1n;
    },
};

/** The largest list that `lists.range` makes: its cost is known only when it is there. */
const maxRange = 10_000_000n;

const range: Bound = {
  bind: context => (count: bigint) => {
    if (count > maxRange) fault(`lists.range(${count}) is longer than ${maxRange}`);
    context.work(Number(count));
    return new ArrayList(Array.from({ length: Math.max(0, Number(count)) }, (_, index) => BigInt(index)));
  },
};

function slice(list: CelList, start: bigint, end: bigint): CelList {
  const call = `cannot slice(${start}, ${end})`;
  if (start < 0n || end < 0n) fault(`${call}, negative indexes not supported`);
  if (start > end) fault(`${call}, start index must be less than or equal to end index`);
  if (end > BigInt(list.size)) fault(`${call}, list is length ${list.size}`);
  const items: unknown[] = [];
  for (let index = Number(start); index < Number(end); index++) items.push(list.at(index));
  return new ArrayList(items);
}

const flatten: Bound = {
  bind:
    context =>
    (list: CelList, depth = 1n) => {
      if (depth < 0n) fault('level must be non-negative');
      const items: unknown[] = [];
      const add = (inner: CelList, left: bigint): void => {
        context.work(inner.size);
        for (const item of itemsOf(inner)) {
          if (left > 0n && isList(item)) add(item, left - 1n);
          else items.push(item);
        }
      };
      add(list, depth);
      return new ArrayList(items);
    },
};

function sortByKeys(list: CelList, keys: CelList): CelList {
  if (list.size !== keys.size) {
    const sizes = `${list.size} and ${keys.size} elements respectively`;
    fault(`@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got ${sizes}`);
  }
  const pairs = [...itemsOf(list)].map((item, index) => ({ item, key: keys.at(index) }));
  const type = pairs[0] === undefined ? '' : typeNameOf(pairs[0].key);
  if (pairs.some(({ key }) => typeNameOf(key) !== type)) fault('list elements must have the same type');
  pairs.sort((left, right) => compareValues(left.key, right.key));
  return new ArrayList(pairs.map(({ item }) => item));
}

const distinct: Bound = {
  bind: context => (list: CelList) => {
    const seen = new Set<string>();
    const kept: unknown[] = [];
    const others = createValueIndex(context.work);
    for (const item of itemsOf(list)) {
      const key = scalarKey(item);
      if (key === undefined ? others.has(item) : seen.has(key)) continue;
      if (key === undefined) others.add(item);
      else seen.add(key);
      kept.push(item);
    }
    return new ArrayList(kept);
  },
};

function containsAll(list: CelList, items: CelList, work: Work): boolean {
  const index = indexOfItems(list, work);
  for (const item of itemsOf(items)) if (!index.has(item)) return false;
  return true;
}

function intersects(left: CelList, right: CelList, work: Work): boolean {
  const index = indexOfItems(right, work);
  for (const item of itemsOf(left)) if (index.has(item)) return true;
  return false;
}

const onSets = (holds: (left: CelList, right: CelList, work: Work) => boolean): Bound => ({
  bind:
    ({ work }) =>
    (left: CelList, right: CelList) =>
      holds(left, right, work),
});

const isEquivalent = (left: CelList, right: CelList, work: Work): boolean =>
  containsAll(left, right, work) && containsAll(right, left, work);

function insert(map: CelMap, key: unknown, value: unknown): CelMap {
  const result = new ValueMap();
  for (const known of map.keyList()) result.set(known, map.find(known));
  result.set(key, value);
  return result;
}

const each = (row: (type: string) => Row): readonly Row[] => comparable.map(row);

const lists2 = '(list<A>, list<A>) -> bool';

/** Kubernetes' lists library (version 0), cel-go's lists (version 3) and sets, and the insertion of transformMap. */
export const lists: Library = {
  isSorted: each(type => [`list_${type}_is_sorted_bool`, `list<${type}>.() -> bool`, isSorted]),
  sum: Object.entries(sums).map(([type, sum]): Row => [`list_${type}_sum_${type}`, `list<${type}>.() -> ${type}`, sum]),
  max: each(type => [`list_${type}_max_${type}`, `list<${type}>.() -> ${type}`, extreme('max', 1)]),
  min: each(type => [`list_${type}_min_${type}`, `list<${type}>.() -> ${type}`, extreme('min', -1)]),
  indexOf: [['list_a_index_of_int', 'list<A>.(A) -> int', indexOf]],
  lastIndexOf: [['list_a_last_index_of_int', 'list<A>.(A) -> int', lastIndexOf]],
  slice: [['list_slice', 'list<A>.(int, int) -> list<A>', slice]],
  flatten: [
    ['list_flatten', 'list<list<A>>.() -> list<A>', flatten],
    ['list_flatten_int', 'list<dyn>.(int) -> list<dyn>', flatten],
  ],
  sort: each(type => [
    `list_${goNames[type] ?? type}_sort`,
    `list<${type}>.() -> list<${type}>`,
    (list: CelList) => sortByKeys(list, list),
  ]),
  '@sortByAssociatedKeys': each(type => [
    `list_${goNames[type] ?? type}_sortByAssociatedKeys`,
    `list<A>.(list<${type}>) -> list<A>`,
    sortByKeys,
  ]),
  'lists.range': [['lists_range', '(int) -> list<int>', range]],
  reverse: [['list_reverse', 'list<A>.() -> list<A>', (list: CelList) => new ArrayList([...itemsOf(list)].reverse())]],
  distinct: [['list_distinct', 'list<A>.() -> list<A>', distinct]],
  'sets.contains': [['list_sets_contains_list', lists2, onSets(containsAll)]],
  'sets.equivalent': [['list_sets_equivalent_list', lists2, onSets(isEquivalent)]],
  'sets.intersects': [['list_sets_intersects_list', lists2, onSets(intersects)]],
  'cel.@mapInsert': [
    ['@mapInsert_map_key_value', '(map<A, B>, A, B) -> map<A, B>', insert],
    ['@mapInsert_map_map', '(map<A, B>, map<A, B>) -> map<A, B>', insert],
  ],
};
