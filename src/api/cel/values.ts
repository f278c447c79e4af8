import type { CelType } from './types.ts';

/*
 * CEL values at run time: null, boolean, string are themselves; int is a bigint, double a number, bytes a Uint8Array; all else has a `tag`.
 */

export class CelUint {
  readonly tag = 'uint';
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** A point in time, nanoseconds since 1970. */
export class CelTimestamp {
  readonly tag = 'timestamp';
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export class CelDuration {
  readonly tag = 'duration';
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** What `type(x)` yields. */
export class CelTypeValue {
  readonly tag = 'type';
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** `optional.of(x)`, or with undefined `optional.none()`. */
export class CelOptional {
  readonly tag = 'optional';
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}

export const optionalNone = new CelOptional(undefined);

/** A list; items are made when asked for. `listType`, `keys`: equality as of a set or a map list. */
export interface CelList {
  readonly tag: 'list';
  readonly size: number;
  at(index: number): unknown;
  readonly listType?: 'set' | 'map' | undefined;
  readonly keys?: readonly string[] | undefined;
}

/** A map, or an object read as one. */
export interface CelMap {
  readonly tag: 'map';
  readonly size: number;
  /** The value; undefined when absent. */
  find(key: unknown): unknown;
  /** Keys in order. */
  keyList(): readonly unknown[];
}

/** A constructed message (`Object{...}`, `JSONPatch{...}`). */
export class CelStruct {
  readonly tag = 'struct';
  readonly type: CelType;
  readonly fields: ReadonlyMap<string, unknown>;
  constructor(type: CelType, fields: ReadonlyMap<string, unknown>) {
    this.type = type;
    this.fields = fields;
  }
}

/** A value of an opaque type; `content` belongs to its library. */
export class CelOpaque {
  readonly tag = 'opaque';
  readonly type: CelType;
  readonly content: unknown;
  constructor(type: CelType, content: unknown) {
    this.type = type;
    this.content = content;
  }
}

/** A list of made values. Only the evaluator's own accumulators grow, before anyone else sees them. */
export class ArrayList implements CelList {
  readonly tag = 'list';
  readonly items: unknown[];
  constructor(items: unknown[]) {
    this.items = items;
  }
  get size(): number {
    return this.items.length;
  }
  at(index: number): unknown {
    return this.items[index];
  }
}

/** Two lists one after the other, without copying: concatenation costs 1. Chains are flattened at a depth, because reading recurses. */
export class JoinedList implements CelList {
  readonly tag = 'list';
  readonly size: number;
  readonly depth: number;
  readonly #left: CelList;
  readonly #right: CelList;
  constructor(left: CelList, right: CelList) {
    this.#left = left;
    this.#right = right;
    this.size = left.size + right.size;
    this.depth = 1 + Math.max(depthOf(left), depthOf(right));
  }
  at(index: number): unknown {
    return index < this.#left.size ? this.#left.at(index) : this.#right.at(index - this.#left.size);
  }
}

function depthOf(list: CelList): number {
  return list instanceof JoinedList ? list.depth : 0;
}

const maxJoinDepth = 20;

/** `left + right`; `work` is told of copying. */
export function joinLists(left: CelList, right: CelList, work: (units: number) => void): CelList {
  if (left.size === 0) return right;
  if (right.size === 0) return left;
  const joined = new JoinedList(left, right);
  if (joined.depth <= maxJoinDepth) return joined;
  work(joined.size);
  return new ArrayList([...itemsOf(joined)]);
}

/** A map of made values. Keys that are equal numbers are one key. */
export class ValueMap implements CelMap {
  readonly tag = 'map';
  readonly #entries = new Map<unknown, { key: unknown; value: unknown }>();
  get size(): number {
    return this.#entries.size;
  }
  find(key: unknown): unknown {
    return this.#entries.get(mapKey(key))?.value;
  }
  has(key: unknown): boolean {
    return this.#entries.has(mapKey(key));
  }
  set(key: unknown, value: unknown): void {
    this.#entries.set(mapKey(key), { key, value });
  }
  delete(key: unknown): void {
    this.#entries.delete(mapKey(key));
  }
  keyList(): readonly unknown[] {
    return [...this.#entries.values()].map(entry => entry.key);
  }
}

/** Numbers of all three kinds meet at bigint where they are whole. */
function mapKey(key: unknown): unknown {
  if (key instanceof CelUint) return key.value;
  if (typeof key === 'number' && Number.isInteger(key)) return BigInt(key);
  return key;
}

export function isList(value: unknown): value is CelList {
  return hasTag(value, 'list');
}

export function isMap(value: unknown): value is CelMap {
  return hasTag(value, 'map');
}

function hasTag(value: unknown, tag: string): boolean {
  return typeof value === 'object' && value !== null && (value as { tag?: unknown }).tag === tag;
}

export function* itemsOf(list: CelList): Generator<unknown> {
  for (let index = 0; index < list.size; index++) yield list.at(index);
}

/** Name of a value's type as `type(x)` and messages have it. */
export function typeNameOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
  }
  if (value === null) return 'null_type';
  if (value instanceof Uint8Array) return 'bytes';
  const tagged = value as { tag: string; type?: CelType };
  return tagged.type?.name ?? typeNames[tagged.tag] ?? tagged.tag;
}

const typeNames: Readonly<Record<string, string>> = {
  timestamp: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
  optional: 'optional_type',
};

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;
const maxUint64 = 2n ** 64n - 1n;

export function isInt64(value: bigint): boolean {
  return value >= minInt64 && value <= maxInt64;
}

export function isUint64(value: bigint): boolean {
  return value >= 0n && value <= maxUint64;
}

/** Code points: what `size()` of a string is. */
export function stringSize(text: string): number {
  let size = text.length;
  if (!/[\ud800-\udbff]/.test(text)) return size;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xd800 && unit < 0xdc00 && index + 1 < text.length) {
      const next = text.charCodeAt(index + 1);
      if (next >= 0xdc00 && next < 0xe000) {
        size--;
        index++;
      }
    }
  }
  return size;
}

/** Size for cost: of strings, bytes, lists and maps; an optional's of its value; 1 for all else. */
export function costSize(value: unknown): number {
  if (typeof value === 'string') return stringSize(value);
  if (typeof value !== 'object' || value === null) return 1;
  if (value instanceof Uint8Array) return value.length;
  if (isList(value) || isMap(value)) return value.size;
  if (value instanceof CelOptional && value.value !== undefined) return costSize(value.value);
  if (value instanceof CelOpaque) return opaqueSize(value.content);
  return 1;
}

/** Addresses count their bytes. */
function opaqueSize(content: unknown): number {
  const sized = content as { sizeBytes?: unknown };
  return typeof sized === 'object' && sized !== null && typeof sized.sizeBytes === 'number' ? sized.sizeBytes : 1;
}
