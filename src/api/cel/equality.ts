import { fault } from './errors.ts';
import {
  CelDuration,
  type CelList,
  type CelMap,
  CelOpaque,
  CelOptional,
  CelStruct,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  isList,
  isMap,
  itemsOf,
} from './values.ts';

/** Told how much is compared beyond the outermost level, which is what costs count. */
export type Work = (units: number) => void;

/** Long texts are compared by the machine, many characters at a time. */
const textShare = 16;
/** Both have to be made from what stands in the object before they can be compared. */
const itemWork = 3;
const memberWork = 6;

/** `left == right` for any two values: numbers compare across their types, values of different types are not equal. */
export function isEqual(left: unknown, right: unknown, work?: Work): boolean {
  if (typeof left === 'string') {
    if (typeof right !== 'string' || left.length !== right.length) return false;
    work?.(Math.floor(left.length / textShare));
    return left === right;
  }
  if (left === right) return true;
  if (isNumeric(left)) return isNumeric(right) && compareNumbers(left, right) === 0;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (left instanceof Uint8Array) return right instanceof Uint8Array && compareBytes(left, right) === 0;
  if (isList(left)) return isList(right) && equalLists(left, right, work);
  if (isMap(left)) return isMap(right) && equalMaps(left, right, work);
  return equalTagged(left, right, work);
}

function equalTagged(left: object, right: object, work?: Work): boolean {
  if (left instanceof CelTimestamp) return right instanceof CelTimestamp && left.nanos === right.nanos;
  if (left instanceof CelDuration) return right instanceof CelDuration && left.nanos === right.nanos;
  if (left instanceof CelTypeValue) return right instanceof CelTypeValue && left.name === right.name;
  if (left instanceof CelOptional) {
    if (!(right instanceof CelOptional)) return false;
    if (left.value === undefined || right.value === undefined) return left.value === right.value;
    return isEqual(left.value, right.value, work);
  }
  if (left instanceof CelStruct) return right instanceof CelStruct && equalStructs(left, right, work);
  return (
    left instanceof CelOpaque &&
    right instanceof CelOpaque &&
    left.type.name === right.type.name &&
    equalOpaque(left.content, right.content)
  );
}

/** Contents of opaque values say themselves when they are equal, or are equal as text. */
function equalOpaque(left: unknown, right: unknown): boolean {
  const own = left as { equals?: (other: unknown) => boolean };
  if (typeof own === 'object' && own !== null && own.equals !== undefined) return own.equals(right);
  return left === right;
}

function equalStructs(left: CelStruct, right: CelStruct, work?: Work): boolean {
  if (left.type.name !== right.type.name || left.fields.size !== right.fields.size) return false;
  for (const [name, value] of left.fields) {
    if (!right.fields.has(name) || !isEqual(value, right.fields.get(name), work)) return false;
  }
  return true;
}

function equalLists(left: CelList, right: CelList, work?: Work): boolean {
  if (left.size !== right.size) return false;
  work?.(left.size * itemWork);
  if (left.listType === 'set') return equalSets(left, right, work);
  if (left.listType === 'map') return equalMapLists(left, right, work);
  for (let index = 0; index < left.size; index++) {
    if (!isEqual(left.at(index), right.at(index), work)) return false;
  }
  return true;
}

/** A text that equal scalars share, for hashing. */
export function scalarKey(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return `s${value}`;
    case 'boolean':
      return `b${value}`;
    case 'bigint':
      return `n${value}`;
    case 'number':
      return Number.isInteger(value) ? `n${BigInt(value)}` : `n${value}`;
  }
  return value instanceof CelUint ? `n${value.value}` : undefined;
}

function equalSets(left: CelList, right: CelList, work?: Work): boolean {
  const items = [...itemsOf(right)];
  const keys = new Set(items.map(scalarKey));
  if (!keys.has(undefined)) {
    const seen = new Set<string | undefined>();
    for (const item of itemsOf(left)) {
      const key = scalarKey(item);
      if (!keys.has(key)) return false;
      seen.add(key);
    }
    return seen.size === keys.size;
  }
  for (const item of itemsOf(left)) if (!items.some(other => isEqual(item, other, work))) return false;
  return true;
}

/** The text of a map list's item's keys; undefined members count as such. */
export function itemKey(item: unknown, keys: readonly string[]): string {
  if (!isMap(item)) return '';
  return JSON.stringify(keys.map(key => scalarKey(item.find(key)) ?? null));
}

function equalMapLists(left: CelList, right: CelList, work?: Work): boolean {
  const keys = left.keys ?? [];
  const byKey = new Map<string, unknown>();
  for (const item of itemsOf(right)) byKey.set(itemKey(item, keys), item);
  const seen = new Set<string>();
  for (const item of itemsOf(left)) {
    const key = itemKey(item, keys);
    if (!byKey.has(key) || !isEqual(item, byKey.get(key), work)) return false;
    seen.add(key);
  }
  return seen.size === byKey.size;
}

function equalMaps(left: CelMap, right: CelMap, work?: Work): boolean {
  if (left.size !== right.size) return false;
  work?.(left.size * memberWork);
  for (const key of left.keyList()) {
    const other = right.find(key);
    if (other === undefined || !isEqual(left.find(key), other, work)) return false;
  }
  return true;
}

export type Numeric = bigint | number | CelUint;

export function isNumeric(value: unknown): value is Numeric {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof CelUint;
}

/** Negative, zero, positive; NaN when either is. Exact between integers and doubles. */
export function compareNumbers(left: Numeric, right: Numeric): number {
  const a = left instanceof CelUint ? left.value : left;
  const b = right instanceof CelUint ? right.value : right;
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.NaN;
  return a < b ? -1 : a > b ? 1 : 0;
}

export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  return Buffer.compare(left, right);
}

/** By code point, as Go orders strings; JavaScript's own order differs beyond the basic plane. */
export function compareStrings(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a === b) continue;
    const aHigh = a >= 0xd800 && a < 0xe000;
    const bHigh = b >= 0xd800 && b < 0xe000;
    return aHigh === bHigh ? a - b : aHigh ? 1 : -1;
  }
  return left.length - right.length;
}

/** `<` and its like: negative, zero or positive; faults for what has no order. */
export function compareValues(left: unknown, right: unknown): number {
  if (isNumeric(left) && isNumeric(right)) {
    const order = compareNumbers(left, right);
    return Number.isNaN(order) ? fault('NaN values cannot be ordered') : order;
  }
  if (typeof left === 'string' && typeof right === 'string') return compareStrings(left, right);
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right);
  if (left instanceof Uint8Array && right instanceof Uint8Array) return compareBytes(left, right);
  const comparable =
    (left instanceof CelTimestamp && right instanceof CelTimestamp) ||
    (left instanceof CelDuration && right instanceof CelDuration);
  if (!comparable) return fault('no such overload');
  const difference = left.nanos - right.nanos;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
