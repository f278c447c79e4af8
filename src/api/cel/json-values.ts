import { Fault, fault } from './errors.ts';
import { LazyValue } from './lazy.ts';
import { parseDate, parseDuration, parseTimestamp } from './time.ts';
import { type CelType, dynType, isOptional } from './types.ts';
import { type CelList, type CelMap, CelOptional, optionalNone } from './values.ts';

/**
 * Reads JSON as a value of a type: only the outermost level is looked at, lists and objects wrap the JSON and read their members when asked.
 * What is a CEL value already passes through. Faults when the JSON does not fit, with upstream's texts.
 */
export function fromJson(given: unknown, type: CelType): unknown {
  const raw = given instanceof LazyValue ? given.get() : given;
  if (isOptional(type)) {
    return raw === undefined ? optionalNone : new CelOptional(fromJson(raw, type.params?.[0] ?? dynType));
  }
  if (isCelValue(raw)) return raw;
  if (raw === null && type.kind !== 'dyn' && type.kind !== 'null') {
    return type.nullable === true ? null : fault('invalid data, got null for schema with nullable=false');
  }
  return readers[type.kind]?.(raw, type) ?? fromDyn(raw);
}

function isCelValue(raw: unknown): boolean {
  if (typeof raw === 'bigint' || raw instanceof Uint8Array) return true;
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return false;
  const prototype = Object.getPrototypeOf(raw);
  return prototype !== Object.prototype && prototype !== null && 'tag' in raw;
}

function wrong(expected: string, raw: unknown): never {
  return fault(`invalid data, expected ${expected}, got ${goTypeName(raw)}`);
}

function goTypeName(raw: unknown): string {
  if (typeof raw === 'number') return Number.isSafeInteger(raw) ? 'int64' : 'float64';
  if (typeof raw === 'boolean') return 'bool';
  if (Array.isArray(raw)) return '[]interface {}';
  return typeof raw === 'object' ? 'map[string]interface {}' : typeof raw;
}

type Reader = (raw: unknown, type: CelType) => unknown;

const readers: Partial<Record<CelType['kind'], Reader>> = {
  bool: raw => (typeof raw === 'boolean' ? raw : wrong('bool', raw)),
  int: raw => (typeof raw === 'number' && Number.isInteger(raw) ? BigInt(raw) : wrong('int', raw)),
  double: raw => (typeof raw === 'number' ? raw : wrong('float', raw)),
  string: raw => (typeof raw === 'string' ? raw : wrong('string', raw)),
  bytes: raw => (typeof raw === 'string' ? readBytes(raw) : wrong('string', raw)),
  timestamp: (raw, type) => (typeof raw === 'string' ? readTime(raw, type) : wrong('string', raw)),
  duration: raw =>
    typeof raw === 'string'
      ? (parseDuration(raw) ?? fault(`Invalid duration ${raw}: unable to parse`))
      : wrong('string', raw),
  list: (raw, type) =>
    Array.isArray(raw)
      ? new JsonList(raw, type)
      : fault('invalid data, expected an array for the provided schema with type=array'),
  map: (raw, type) => (isPlainObject(raw) ? new JsonMap(raw, type.params![1]!) : notAMap()),
  object: (raw, type) => (isPlainObject(raw) ? new JsonObject(raw, type) : notAMap()),
  dyn: (raw, type) => (type.intOrString === true ? readIntOrString(raw) : fromDyn(raw)),
  null: raw => (raw === null ? null : fromDyn(raw)),
};

function notAMap(): never {
  return fault('invalid data, expected a map for the provided schema with type=object');
}

function isPlainObject(raw: unknown): raw is Record<string, unknown> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

function readBytes(text: string): Uint8Array {
  if (!/^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*$/.test(text))
    fault(`Invalid byte formatted string ${text}: illegal base64 data`);
  return new Uint8Array(Buffer.from(text, 'base64'));
}

function readTime(text: string, type: CelType): unknown {
  if (type.dateOnly === true) return parseDate(text) ?? fault(`Invalid date formatted string ${text}: not a date`);
  return parseTimestamp(text) ?? fault(`Invalid date-time formatted string ${text}: not a date-time`);
}

function readIntOrString(raw: unknown): unknown {
  if (typeof raw === 'string') return raw;
  if (typeof raw === 'number' && Number.isInteger(raw)) return BigInt(raw);
  return fault('invalid data, expected XIntOrString value to be either a string or integer');
}

/** JSON without a type: whole numbers are int, others double. */
export function fromDyn(raw: unknown): unknown {
  switch (typeof raw) {
    case 'number':
      return Number.isSafeInteger(raw) ? BigInt(raw) : raw;
    case 'string':
    case 'boolean':
      return raw;
    case 'object':
      if (raw === null) return null;
      if (Array.isArray(raw)) return new JsonList(raw, undefined);
      return new JsonMap(raw as Record<string, unknown>, undefined);
    case 'undefined':
      return null;
    default:
      throw new Fault(`unsupported conversion to ref.Val: (${typeof raw})${String(raw)}`);
  }
}

function read(raw: unknown, type: CelType | undefined): unknown {
  return fromJson(raw, type ?? dynType);
}

/** Made members are kept where making them again would be work: bytes are decoded, and containers keep theirs. */
class Kept {
  readonly #type: CelType | undefined;
  readonly #keeps: boolean;
  #made: Map<unknown, unknown> | undefined;

  constructor(type: CelType | undefined) {
    this.#type = type;
    this.#keeps = type !== undefined && ['bytes', 'list', 'map', 'object'].includes(type.kind);
  }

  read(key: unknown, raw: unknown): unknown {
    if (!this.#keeps) return read(raw, this.#type);
    this.#made ??= new Map();
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = read(raw, this.#type);
    this.#made.set(key, made);
    return made;
  }
}

/** A JSON array. */
export class JsonList implements CelList {
  readonly tag = 'list';
  readonly raw: readonly unknown[];
  readonly listType: 'set' | 'map' | undefined;
  readonly keys: readonly string[] | undefined;
  readonly #items: Kept;
  constructor(raw: readonly unknown[], type: CelType | undefined) {
    this.raw = raw;
    this.listType = type?.listType;
    this.keys = type?.listMapKeys;
    this.#items = new Kept(type?.params?.[0]);
  }
  get size(): number {
    return this.raw.length;
  }
  at(index: number): unknown {
    return this.#items.read(index, this.raw[index]);
  }
}

/** A JSON object whose keys are data. */
export class JsonMap implements CelMap {
  readonly tag = 'map';
  readonly raw: Readonly<Record<string, unknown>>;
  readonly #values: Kept;
  #keys: readonly string[] | undefined;
  constructor(raw: Readonly<Record<string, unknown>>, value: CelType | undefined) {
    this.raw = raw;
    this.#values = new Kept(value);
  }
  get size(): number {
    return this.keyList().length;
  }
  find(key: unknown): unknown {
    if (typeof key !== 'string' || !Object.hasOwn(this.raw, key)) return undefined;
    return this.#values.read(key, this.raw[key]);
  }
  keyList(): readonly string[] {
    this.#keys ??= Object.keys(this.raw).filter(key => this.raw[key] !== undefined);
    return this.#keys;
  }
}

/** A JSON object with declared fields: others are not seen, null is absent, names are escaped. */
export class JsonObject implements CelMap {
  readonly tag = 'map';
  readonly raw: Readonly<Record<string, unknown>>;
  readonly #type: CelType;
  readonly #members = new Map<string, unknown>();
  constructor(raw: Readonly<Record<string, unknown>>, type: CelType) {
    this.raw = raw;
    this.#type = type;
  }
  get size(): number {
    return Object.keys(this.raw).length;
  }
  find(key: unknown): unknown {
    if (typeof key !== 'string') return undefined;
    const field = this.#type.fields?.get(key);
    if (field === undefined) return undefined;
    const name = field.jsonName ?? key;
    const raw = Object.hasOwn(this.raw, name) ? this.raw[name] : undefined;
    if (raw === undefined || raw === null) return undefined;
    if (!field.type.params && !field.type.fields && field.type.kind !== 'bytes') return fromJson(raw, field.type);
    const made = this.#members.get(key) ?? fromJson(raw, field.type);
    this.#members.set(key, made);
    return made;
  }
  keyList(): readonly string[] {
    const keys: string[] = [];
    for (const [key, field] of this.#type.fields ?? []) {
      const raw = this.raw[field.jsonName ?? key];
      if (raw !== undefined && raw !== null) keys.push(key);
    }
    return keys;
  }
}
