import { fault } from './errors.ts';
import { charge, type Frame } from './frame.ts';
import { CelOptional, CelStruct, CelUint, isList, isMap, optionalNone } from './values.ts';

/** The member of a value; undefined when absent. Faults where no member can be. */
function find(value: unknown, key: unknown): unknown {
  if (isMap(value)) return value.find(key);
  if (isList(value)) {
    const index = indexOf(key);
    return index >= 0n && index < BigInt(value.size) ? value.at(Number(index)) : undefined;
  }
  if (value instanceof CelStruct) return typeof key === 'string' ? value.fields.get(key) : undefined;
  return undefined;
}

function indexOf(key: unknown): bigint {
  if (typeof key === 'bigint') return key;
  if (key instanceof CelUint) return key.value;
  if (typeof key === 'number' && Number.isInteger(key)) return BigInt(key);
  return fault(`unsupported index value or type in list: ${showKey(key)}`);
}

function showKey(key: unknown): string {
  return key instanceof CelUint ? key.value.toString() : String(key);
}

function missing(value: unknown, key: unknown): never {
  return fault(isList(value) ? `index out of bounds: ${showKey(key)}` : `no such key: ${showKey(key)}`);
}

/** `value.field`. On an optional it gives an optional. */
export function memberOf(frame: Frame, value: unknown, field: string): unknown {
  if (value instanceof CelOptional) {
    return value === optionalNone ? value : qualify(frame, value, { key: field, optional: true, cost: 1 });
  }
  charge(frame, 1);
  const found = find(value, field);
  return found === undefined ? missing(value, field) : found;
}

interface Qualifier {
  key: unknown;
  optional: boolean;
  cost: number;
}

/** `value[key]`; with `optional`, or on an optional, an absent member is `optional.none()` and costs nothing. */
export function qualify(frame: Frame, value: unknown, { key, optional, cost }: Qualifier): unknown {
  const wrapped = value instanceof CelOptional;
  const target = wrapped ? value.value : value;
  if (target === undefined) return optionalNone;
  if (!wrapped && !optional) {
    charge(frame, cost);
    const member = find(target, key);
    return member === undefined ? missing(target, key) : member;
  }
  const found = find(target, key);
  if (found === undefined) return optionalNone;
  charge(frame, cost);
  return new CelOptional(found);
}

/** `has(value.field)`. */
export function presenceOf(frame: Frame, value: unknown, field: string): boolean {
  if (value === optionalNone) return false;
  charge(frame, 1);
  const target = value instanceof CelOptional ? value.value : value;
  return find(target, field) !== undefined;
}
