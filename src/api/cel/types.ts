/** Kinds of CEL types. `param` and `error` only live inside the checker. */
export type CelKind =
  | 'dyn'
  | 'null'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'timestamp'
  | 'duration'
  | 'type'
  | 'list'
  | 'map'
  | 'object'
  | 'opaque'
  | 'param'
  | 'error';

/** A member of an object type. */
export interface CelField {
  readonly type: CelType;
  readonly optional: boolean;
  /** Name of the member in the JSON where it differs from the CEL identifier (`a-b` for `a__dash__b`). */
  readonly jsonName?: string;
}

/**
 * A CEL type as declared for a variable or found by the checker. Immutable. `maxElements` bounds the size (list items, map entries, string
 * bytes) for cost estimates; absent is unbounded for what has a size.
 */
export interface CelType {
  readonly kind: CelKind;
  /** `object` and `opaque`: the type's name; `param`: the variable's. */
  readonly name?: string;
  /** `list`: item; `map`: key, value; `type` and `opaque` (optional_type): parameters. */
  readonly params?: readonly CelType[];
  readonly fields?: ReadonlyMap<string, CelField>;
  readonly maxElements?: number;
  /** Smallest size in JSON, bytes; feeds the size bounds of what contains it. */
  readonly minSerializedSize?: number;
  /** Equality and concatenation of lists: as in x-kubernetes-list-type. */
  readonly listType?: 'set' | 'map';
  /** JSON names of the keys of a `map` list. */
  readonly listMapKeys?: readonly string[];
  /** Values of a field whose schema says nullable read as null; otherwise null in the data is an error. */
  readonly nullable?: boolean;
  /** `timestamp`: the JSON is a date only (format `date`). */
  readonly dateOnly?: boolean;
  /** `dyn`: the JSON must be a string or an integer (x-kubernetes-int-or-string). */
  readonly intOrString?: boolean;
}

const simple = (kind: CelKind, minSerializedSize = 1): CelType => ({ kind, minSerializedSize });

export const dynType = simple('dyn');
export const nullType = simple('null', 4);
export const boolType = simple('bool', 4);
export const intType = simple('int');
export const uintType = simple('uint');
export const doubleType = simple('double');
export const stringType = simple('string', 2);
export const bytesType = simple('bytes', 2);
export const timestampType = simple('timestamp', 21);
export const durationType = simple('duration', 3);
export const errorType = simple('error');

/** `list(item)`; a list is at least `[]`. */
export function listType(item: CelType, maxElements?: number): CelType {
  return { kind: 'list', params: [item], ...bounded(maxElements), minSerializedSize: 2 };
}

/** `map(key, value)`. */
export function mapType(key: CelType, value: CelType, maxElements?: number): CelType {
  return { kind: 'map', params: [key, value], ...bounded(maxElements), minSerializedSize: 2 };
}

const bounded = (maxElements: number | undefined): Pick<CelType, 'maxElements'> =>
  maxElements === undefined ? {} : { maxElements };

/** `optional_type(inner)`. */
export function optionalType(inner: CelType): CelType {
  return { kind: 'opaque', name: 'optional_type', params: [inner] };
}

/** `type(inner)`: the type of a type. */
export function typeType(inner?: CelType): CelType {
  return inner === undefined ? { kind: 'type' } : { kind: 'type', params: [inner] };
}

/** A type known only by its functions (`kubernetes.Quantity`, `net.IP`). */
export function opaqueType(name: string): CelType {
  return { kind: 'opaque', name };
}

/** An object type with named fields; two object types are the same when their names are. */
export function objectType(name: string, fields: ReadonlyMap<string, CelField>, minSerializedSize = 2): CelType {
  return { kind: 'object', name, fields, minSerializedSize };
}

/** An object type that takes any field, and with it all types below its name: `Object` and `Object.spec`. */
export function openObjectType(name: string): CelType {
  return { kind: 'object', name };
}

/** A type variable of a function's signature. */
export function paramType(name: string): CelType {
  return { kind: 'param', name };
}

export const quantityType = opaqueType('kubernetes.Quantity');
export const urlType = opaqueType('kubernetes.URL');
export const ipType = opaqueType('net.IP');
export const cidrType = opaqueType('net.CIDR');
export const semverType = opaqueType('kubernetes.Semver');
export const formatType = opaqueType('kubernetes.NamedFormat');
export const authorizerType = opaqueType('kubernetes.authorization.Authorizer');
export const pathCheckType = opaqueType('kubernetes.authorization.PathCheck');
export const groupCheckType = opaqueType('kubernetes.authorization.GroupCheck');
export const resourceCheckType = opaqueType('kubernetes.authorization.ResourceCheck');
export const decisionType = opaqueType('kubernetes.authorization.Decision');

/** True for `optional_type(T)`. */
export function isOptional(type: CelType): boolean {
  return type.kind === 'opaque' && type.name === 'optional_type';
}

const names: Partial<Record<CelKind, string>> = { error: '!error!' };

/** As upstream's messages write it: `list(int)`, `map(string, dyn)`, `optional_type(string)`. */
export function formatCelType(type: CelType): string {
  const name = type.name ?? names[type.kind] ?? type.kind;
  if (type.params === undefined || type.params.length === 0) return name;
  return `${name}(${type.params.map(formatCelType).join(', ')})`;
}

/** True when both are the same type, without unification. */
export function isSameType(left: CelType, right: CelType): boolean {
  if (left === right) return true;
  if (left.kind !== right.kind || left.name !== right.name) return false;
  const a = left.params ?? [];
  const b = right.params ?? [];
  return a.length === b.length && a.every((param, index) => isSameType(param, b[index]!));
}
