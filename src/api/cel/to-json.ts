import { CelError } from './errors.ts';
import { JsonList, JsonMap, JsonObject } from './json-values.ts';
import { formatDuration, formatTimestamp } from './time.ts';
import {
  CelDuration,
  CelOptional,
  CelStruct,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  isList,
  isMap,
  itemsOf,
  typeNameOf,
} from './values.ts';

/**
 * A CEL value as plain JSON, a copy: integers are numbers (beyond 2^53 bigints), bytes base64, times text; an optional without a value, and
 * members that are such, are left out. Throws `CelError` for what has no JSON (types, quantities and other opaque values).
 */
export function toJson(value: unknown): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  if (typeof value === 'bigint') return fromInteger(value);
  if (value instanceof CelUint) return fromInteger(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof CelTimestamp) return formatTimestamp(value);
  if (value instanceof CelDuration) return formatDuration(value);
  if (value instanceof CelOptional) return value.value === undefined ? undefined : toJson(value.value);
  if (value instanceof JsonList || value instanceof JsonMap || value instanceof JsonObject) return cloneRaw(value.raw);
  if (isList(value)) return [...itemsOf(value)].map(toJson);
  if (isMap(value)) return fromEntries(value.keyList().map(key => [keyText(key), value.find(key)]));
  if (value instanceof CelStruct) return fromEntries([...value.fields]);
  const what = value instanceof CelTypeValue ? `type ${value.name}` : typeNameOf(value);
  throw new CelError(`${what} has no JSON`, 'failed', 0);
}

/** JSON that may have CEL values inside. */
function cloneRaw(raw: unknown): unknown {
  if (Array.isArray(raw)) return raw.map(cloneRaw);
  if (typeof raw !== 'object' || raw === null || 'tag' in raw) return isRawObject(raw) ? cloneObject(raw) : toJson(raw);
  return cloneObject(raw as Record<string, unknown>);
}

function isRawObject(raw: unknown): raw is Record<string, unknown> {
  return typeof raw === 'object' && raw !== null && Object.getPrototypeOf(raw) === Object.prototype;
}

function cloneObject(raw: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(raw)) if (value !== undefined) define(result, key, cloneRaw(value));
  return result;
}

/** A member named __proto__ must stay a member. */
function define(object: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

function fromInteger(value: bigint): number | bigint {
  return BigInt(Number.MAX_SAFE_INTEGER) >= (value < 0n ? -value : value) ? Number(value) : value;
}

function keyText(key: unknown): string {
  return key instanceof CelUint ? key.value.toString() : String(key);
}

function fromEntries(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of entries) {
    const json = toJson(value);
    if (json !== undefined) define(result, key, json);
  }
  return result;
}
