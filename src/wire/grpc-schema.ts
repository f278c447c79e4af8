import type { INamespace } from 'protobufjs';
import protobuf from 'protobufjs';

/** Types and services as data: `Message: {field: [number, type]}`, `Enum: {NAME: number}`, `service Name: {Method: [request, response]}`. */
export type SchemaTable = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface GrpcMethod {
  /** `/runtime.v1.RuntimeService/Version` */
  path: string;
  encode(message: object): Buffer;
  decode(bytes: Buffer): object;
}

/**
 * Reads a table into methods by `Service.Method`. Field names become camelCase; 64-bit numbers become numbers (nanoseconds lose their last digits),
 * enums their names, and absent fields their proto3 defaults, but absent messages stay absent. The form `raw` leaves that work out where every call counts:
 * enums are numbers, decoded 64-bit numbers are Long, and absent messages null.
 */
export function readSchema(
  packageName: string,
  table: SchemaTable,
  form: 'plain' | 'raw' = 'plain',
): (service: string, method: string) => GrpcMethod {
  const root = protobuf.Root.fromJSON(nest(packageName, table));
  const known = new Map<string, GrpcMethod>();
  const decodeOptions = { longs: Number, enums: String, defaults: true, arrays: true, objects: true } as const;
  return (service, method) => {
    const path = `/${packageName}.${service}/${method}`;
    const found = known.get(path);
    if (found) return found;
    const signature = table[`service ${service}`]?.[method] as [string, string] | undefined;
    if (!signature) throw new Error(`no method ${path}`);
    const [request, response] = signature.map(name => root.lookupType(`${packageName}.${name.replace('stream ', '')}`));
    const made: GrpcMethod =
      form === 'raw'
        ? rawMethod(path, request!, response!)
        : {
            path,
            encode: message => Buffer.from(request!.encode(request!.fromObject(message)).finish()),
            decode: bytes => dropEmpty(response!.toObject(response!.decode(bytes), decodeOptions)) as object,
          };
    known.set(path, made);
    return made;
  };
}

function rawMethod(path: string, request: protobuf.Type, response: protobuf.Type): GrpcMethod {
  return {
    path,
    encode: message => request.encode(message).finish() as Buffer,
    decode: bytes => response.decode(bytes),
  };
}

/** protobufjs writes null for absent messages; here absent is undefined. */
function dropEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropEmpty);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const tree = value as Record<string, unknown>;
  for (const [key, member] of Object.entries(tree)) {
    if (member === null) delete tree[key];
    else if (typeof member === 'object') tree[key] = dropEmpty(member);
  }
  return tree;
}

function nest(packageName: string, table: SchemaTable): INamespace {
  const types: Record<string, object> = {};
  for (const [name, members] of Object.entries(table)) {
    if (name.startsWith('service ')) continue;
    const [outer, inner] = name.split('.') as [string, string | undefined];
    const parsed = toType(members);
    if (inner === undefined) types[outer] = { ...types[outer], ...parsed };
    else types[outer] = { ...types[outer], nested: { [inner]: parsed } };
  }
  const wrap = (path: string[]): object => {
    const [head, ...rest] = path;
    return head === undefined ? types : { [head]: { nested: wrap(rest) } };
  };
  return { nested: wrap(packageName.split('.')) } as INamespace;
}

function toType(members: Readonly<Record<string, unknown>>): object {
  const entries = Object.entries(members);
  if (entries.length > 0 && typeof entries[0]![1] === 'number') return { values: members };
  return {
    fields: Object.fromEntries(entries.map(([name, member]) => [camelCase(name), toField(member as [number, string])])),
  };
}

function toField([id, type]: [number, string]): object {
  const map = /^map<(\w+), ?(\w+)>$/.exec(type);
  if (map) return { id, keyType: map[1], type: map[2] };
  return type.startsWith('[]') ? { id, rule: 'repeated', type: type.slice(2) } : { id, type };
}

function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
