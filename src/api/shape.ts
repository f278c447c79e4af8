import { canonicalQuantity, isQuantity } from './quantity.ts';
import type { FieldNode, TypeNode } from './scheme.ts';

/** A value that cannot be of its type: the text that Go's decoder gives, which users know. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

/** Fields that the type does not have, as paths: `spec.containers[0].foo`. */
/** `path` puts the place into words. */
export type OnUnknown = (path: () => string) => void;

/**
 * Checks a decoded value against its type and puts it in the API's form: fields that are unknown or null are taken out, quantities become
 * canonical. Gives the value, which belongs to the caller as the given one did and mostly is that, changed in place. Throws ShapeError.
 */
export type ShapeCheck = (value: unknown, type: TypeNode, onUnknown: OnUnknown) => unknown;

/** Where a value stands: only put into words when something is wrong. */
interface Place {
  readonly parent: Place | undefined;
  /** Field name, or index of a list. */
  readonly step: string | number;
  /** The innermost object type, for messages. */
  readonly owner: TypeNode | undefined;
}

type Check = (value: unknown, place: Place, onUnknown: OnUnknown) => unknown;

/**
 * Checks are compiled from types when first used and kept as long as the returned function. `fill`: what must be there and is not becomes its zero value, as
 * in Go, so that every part that a type promises is there.
 */
export function createShapeCheck(options: { fill: boolean }): ShapeCheck {
  const checks = new WeakMap<TypeNode, Check>();
  const checkOf = (type: TypeNode): Check => {
    const known = checks.get(type);
    if (known) return known;
    // Types contain themselves (JSONSchemaProps): the entry stands before the fields are compiled.
    let compiled: Check | undefined;
    const lazy: Check = (value, place, onUnknown) => {
      compiled ??= compile(type, checkOf, options);
      return compiled(value, place, onUnknown);
    };
    checks.set(type, lazy);
    return lazy;
  };
  const root: Place = { parent: undefined, step: '', owner: undefined };
  return (value, type, onUnknown) => checkOf(type)(value, root, onUnknown);
}

function compile(type: TypeNode, checkOf: (type: TypeNode) => Check, { fill }: { fill: boolean }): Check {
  switch (type.kind) {
    case 'object':
      if (type.prune) return checkCustom(type, checkOf);
      if (type.preserveUnknown && !type.fields?.size) return checkAnyObject(type);
      return checkObject(type, checkOf, fill ? { zeros: zerosOf(type), omitted: omittedOf(type) } : untouched);
    case 'list':
      return checkList(type, checkOf);
    case 'map':
      return checkMap(type, checkOf);
    case 'any':
      return value => value;
    default:
      return checkScalar(type);
  }
}

const envelope = ['apiVersion', 'kind', 'metadata'] as const;

/** A custom resource: its envelope is as that of every object, the rest is its schema's. */
function checkCustom(type: TypeNode, checkOf: (type: TypeNode) => Check): Check {
  return (value, place, onUnknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mismatch(value, type, place);
    const object = value as Record<string, unknown>;
    for (const name of envelope) {
      const field = type.fields?.get(name);
      if (object[name] === null) delete object[name];
      else if (field && object[name] !== undefined) {
        object[name] = checkOf(field.type)(object[name], { parent: place, step: name, owner: type }, onUnknown);
      }
    }
    type.prune?.(object, path => onUnknown(() => path));
    return object;
  };
}

function checkAnyObject(type: TypeNode): Check {
  return (value, place) => {
    if (typeof value !== 'object' || Array.isArray(value)) throw mismatch(value, type, place);
    return value;
  };
}

/** Pointers in Go: absent is something else than empty, and the rules of their kinds say so. */
const pointers: ReadonlySet<string> = new Set(['pathType', 'selector', 'sideEffects']);
const noZeros: ReadonlySet<TypeNode['kind']> = new Set(['any', 'time', 'microtime', 'quantity', 'int-or-string']);

/** Fields that are always there: the required ones, and structures that are no pointers in Go. */
function zerosOf(type: TypeNode): readonly { name: string; type: TypeNode }[] {
  return Array.from(type.fields ?? []).flatMap(([name, { required, isStruct, type: part }]) => {
    const isNeeded = required || (isStruct && part.kind === 'object');
    return isNeeded && !pointers.has(name) && !noZeros.has(part.kind) ? [{ name, type: part }] : [];
  });
}

/** What Go writes of a structure in which nothing is set: the parts that are always there. A new value each time. */
export function zeroValue(type: TypeNode): unknown {
  if (type.kind !== 'object') return zeroOf(type);
  return Object.fromEntries(zerosOf(type).map(({ name, type: part }) => [name, zeroValue(part)]));
}

/** Fields that are left out when there is nothing in them. */
function omittedOf(type: TypeNode): ReadonlySet<string> {
  return new Set(
    Array.from(type.fields ?? []).flatMap(([name, { omitEmpty, omitZero }]) => (omitEmpty || omitZero ? [name] : [])),
  );
}

/** What an object gets, and what it loses, to be as Go would write it. */
interface Canonical {
  readonly zeros: readonly { name: string; type: TypeNode }[];
  readonly omitted: ReadonlySet<string>;
}
const untouched: Canonical = { zeros: [], omitted: new Set() };

function isEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value === '' || value === 0 || value === false;
  if (Array.isArray(value)) return value.length === 0;
  for (const _key in value as object) return false;
  return true;
}

function checkObject(type: TypeNode, checkOf: (type: TypeNode) => Check, { zeros, omitted }: Canonical): Check {
  const fields = new Map(
    Array.from(type.fields ?? [], ([name, field]: [string, FieldNode]) => [name, checkOf(field.type)]),
  );
  const checkThis: Check = (value, place, onUnknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mismatch(value, type, place);
    const object = value as Record<string, unknown>;
    let unknowns = 0;
    for (const name in object) {
      const check = fields.get(name);
      const part = object[name];
      if (!check) {
        if (type.preserveUnknown) continue;
        onUnknown(() => pathOf({ parent: place, step: name, owner: type }));
        // What was looked at so far is as it should be, and so it stays when it is looked at again.
        if (++unknowns > maxUnknowns) return checkThis(onlyKnown(object, fields.keys()), place, onUnknown);
        delete object[name];
      } else if (part === null) {
        delete object[name];
      } else {
        const checked = check(part, { parent: place, step: name, owner: type }, onUnknown);
        if (omitted.has(name) && isEmpty(checked)) delete object[name];
        else if (checked !== part) object[name] = checked;
      }
    }
    for (const { name, type: part } of zeros) {
      // An empty part has parts of its own that must be there.
      if (object[name] === undefined) {
        object[name] = checkOf(part)(zeroOf(part), { parent: place, step: name, owner: type }, onUnknown);
      }
    }
    return object;
  };
  return checkThis;
}

/** With more unknown members than this, which are told, what is known is taken into another object: to walk over and delete thousands takes longer than all else. */
const maxUnknowns = 100;

function onlyKnown(object: Readonly<Record<string, unknown>>, names: Iterable<string>): Record<string, unknown> {
  const known: Record<string, unknown> = {};
  for (const name of names) if (Object.hasOwn(object, name)) known[name] = object[name];
  return known;
}

function checkList(type: TypeNode, checkOf: (type: TypeNode) => Check): Check {
  const check = checkOf(type.items!);
  return (value, place, onUnknown) => {
    if (!Array.isArray(value)) throw mismatch(value, type, place);
    for (let index = 0; index < value.length; index++) {
      const part = value[index];
      const at = { parent: place, step: index, owner: place.owner };
      // Go makes a null item the zero value of its type.
      const checked = part === null ? checkZero(type.items!, check, at) : check(part, at, onUnknown);
      if (checked !== part) value[index] = checked;
    }
    return value;
  };
}

function checkMap(type: TypeNode, checkOf: (type: TypeNode) => Check): Check {
  const check = checkOf(type.items!);
  return (value, place, onUnknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mismatch(value, type, place);
    const map = value as Record<string, unknown>;
    for (const key in map) {
      const part = map[key];
      const at = { parent: place, step: key, owner: place.owner };
      const checked = part === null ? checkZero(type.items!, check, at) : check(part, at, onUnknown);
      if (checked !== part) map[key] = checked;
    }
    return map;
  };
}

/** The zero value, with the parts that it must have. */
function checkZero(type: TypeNode, check: Check, place: Place): unknown {
  const zero = zeroOf(type);
  return type.kind === 'object' ? check(zero, place, () => undefined) : zero;
}

function zeroOf(type: TypeNode): unknown {
  switch (type.kind) {
    case 'string':
    case 'bytes':
      return '';
    case 'integer':
    case 'number':
    case 'int-or-string':
      return 0;
    case 'quantity':
      return '0';
    case 'boolean':
      return false;
    case 'list':
      return [];
    case 'any':
    case 'time':
    case 'microtime':
      return null;
    default:
      return {};
  }
}

const limits = { int32: [-(2 ** 31), 2 ** 31 - 1], int64: [-(2 ** 63), 2 ** 63] } as const;
const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;

function checkScalar(type: TypeNode): Check {
  switch (type.kind) {
    case 'boolean':
      return (value, place) => (typeof value === 'boolean' ? value : fail(mismatch(value, type, place)));
    case 'integer': {
      const [low, high] = limits[type.format === 'int32' ? 'int32' : 'int64'];
      return (value, place) =>
        Number.isInteger(value) && (value as number) >= low && (value as number) <= high
          ? value
          : fail(mismatch(value, type, place));
    }
    case 'number':
      return (value, place) => (typeof value === 'number' ? value : fail(mismatch(value, type, place)));
    case 'int-or-string':
      return (value, place) =>
        typeof value === 'string' || Number.isInteger(value) ? value : fail(mismatch(value, type, place));
    case 'quantity':
      return value => {
        if ((typeof value === 'string' || typeof value === 'number') && isQuantity(value))
          return canonicalQuantity(value);
        return fail(
          new ShapeError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
        );
      };
    case 'time':
    case 'microtime':
      return (value, place) => {
        if (typeof value !== 'string') throw mismatch(value, type, place);
        if (rfc3339.test(value) && !Number.isNaN(Date.parse(value)))
          return canonicalTime(value, type.kind === 'time' ? 0 : 6);
        const layout = type.kind === 'time' ? '2006-01-02T15:04:05Z07:00' : '2006-01-02T15:04:05.000000Z07:00';
        throw new ShapeError(
          `parsing time ${JSON.stringify(value)} as "${layout}": cannot parse ${JSON.stringify(value)} as "2006"`,
        );
      };
    case 'bytes':
      return (value, place) => {
        if (typeof value !== 'string') throw mismatch(value, type, place);
        const wrong = wrongBase64(value);
        if (wrong !== undefined) throw new ShapeError(`illegal base64 data at input byte ${wrong}`);
        return value;
      };
    default:
      return (value, place) => (typeof value === 'string' ? value : fail(mismatch(value, type, place)));
  }
}

const zuluLength = '2006-01-02T15:04:05Z'.length;

/** As Go writes times: in UTC, with so many digits after the second. */
function canonicalTime(text: string, digits: number): string {
  if (text.endsWith('Z') && text.length === zuluLength + (digits ? digits + 1 : 0)) return text;
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  // Date knows three digits only.
  const seconds = new Date(Date.parse(text.replace(/\.\d+/, ''))).toISOString().slice(0, zuluLength - 1);
  return digits ? `${seconds}.${fraction.padEnd(digits, '0').slice(0, digits)}Z` : `${seconds}Z`;
}

/** Where standard base64 with padding goes wrong; undefined: nowhere. */
function wrongBase64(text: string): number | undefined {
  const stray = text.search(/[^A-Za-z0-9+/=\r\n]/);
  if (stray >= 0) return stray;
  const plain = text.replace(/[\r\n]/g, '');
  const padding = plain.indexOf('=');
  const isPaddedRight = padding < 0 || /^={1,2}$/.test(plain.slice(padding));
  return plain.length % 4 === 0 && isPaddedRight ? undefined : Math.max(0, plain.length - (plain.length % 4 || 4));
}

function fail(error: Error): never {
  throw error;
}

/** `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32` */
function mismatch(value: unknown, type: TypeNode, place: Place): ShapeError {
  const into = place.parent
    ? `struct field ${shortName(place.owner)}.${fieldsOf(place)} of type ${goType(type)}`
    : `value of type ${goType(type)}`;
  return new ShapeError(`json: cannot unmarshal ${describe(value, type)} into Go ${into}`);
}

function describe(value: unknown, type: TypeNode): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return type.kind === 'integer' ? `number ${value}` : 'number';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function goType(type: TypeNode): string {
  switch (type.kind) {
    case 'integer':
      return type.format ?? 'int64';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    case 'list':
      return `[]${goType(type.items!)}`;
    case 'map':
      return `map[string]${goType(type.items!)}`;
    case 'object':
      return `${type.name?.split('.').at(-2) ?? 'map[string]interface {}'}.${shortName(type)}`.replace(
        'map[string]interface {}.',
        'map[string]interface {}',
      );
    case 'bytes':
      return '[]uint8';
    case 'int-or-string':
      return 'intstr.IntOrString';
    default:
      return type.kind === 'string' ? 'string' : 'string';
  }
}

function shortName(type: TypeNode | undefined): string {
  return type?.name?.split('.').at(-1) ?? '';
}

/** Go leaves indices out. */
function fieldsOf(place: Place): string {
  const steps: string[] = [];
  for (let at: Place | undefined = place; at?.parent; at = at.parent)
    if (typeof at.step === 'string') steps.unshift(at.step);
  return steps.join('.');
}

function pathOf(place: Place): string {
  let path = '';
  for (let at: Place | undefined = place; at?.parent; at = at.parent) {
    const isTop = !at.parent.parent;
    path = (typeof at.step === 'number' ? `[${at.step}]` : `${isTop ? '' : '.'}${at.step}`) + path;
  }
  return path;
}
