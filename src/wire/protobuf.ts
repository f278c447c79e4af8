import {
  createWireSchema,
  messageOfKind,
  type WireField,
  type WireMessage,
  type WireSchema,
} from './protobuf-schema.ts';
import { emptyTextMatters, specialMessages, zeroMatters } from './protobuf-special.ts';

/** Bytes that are not a Kubernetes protobuf body, or a kind that has no protobuf form. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

type Fields = Record<string, unknown>;

/** The API's objects as Kubernetes protobuf, both ways. */
export interface ProtobufCodec {
  /** Bytes with the envelope to the JSON form, with kind and apiVersion. Throws ProtobufError. */
  decode(bytes: Uint8Array): Fields;
  /** The JSON form to bytes with the envelope; kind and apiVersion tell the message. Throws ProtobufError for a kind without one. */
  encode(object: object): Buffer;
  /** True when the kind has a protobuf form. */
  knows(apiVersion: string, kind: string): boolean;
}

const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00]);
const unknownName = 'k8s.io.apimachinery.pkg.runtime.Unknown';
/** Messages deeper than this are no API object (upstream's decoder has the same guard). */
const maxDepth = 100;

export function createProtobufCodec(): ProtobufCodec {
  const schema = createWireSchema();
  const unknown = schema(unknownName)!;
  return {
    knows: (apiVersion, kind) => messageOfKind(schema, apiVersion, kind) !== undefined,
    decode(bytes) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (buffer.length < 4 || !buffer.subarray(0, 4).equals(magic))
        throw new ProtobufError('provided data does not appear to be a protobuf message, expected prefix 0x6b387300');
      const envelope = decodeMessage(buffer.subarray(4), unknown, { schema, depth: 0 });
      const { apiVersion = '', kind = '' } = (envelope['typeMeta'] ?? {}) as { apiVersion?: string; kind?: string };
      const message = messageOfKind(schema, apiVersion, kind);
      if (!message) throw new ProtobufError(`no kind "${kind}" is registered for version "${apiVersion}" in protobuf`);
      const raw = Buffer.from((envelope['raw'] as string | undefined) ?? '', 'base64');
      return { kind, apiVersion, ...decodeMessage(raw, message, { schema, depth: 0 }) };
    },
    encode(object) {
      const { apiVersion = '', kind = '' } = object as { apiVersion?: string; kind?: string };
      const message = messageOfKind(schema, apiVersion, kind);
      if (!message) throw new ProtobufError(`${apiVersion} ${kind} has no protobuf form`);
      const raw = encodeMessage(object as Fields, message, schema);
      const typeMeta = encodeMessage({ apiVersion, kind }, schema('k8s.io.apimachinery.pkg.runtime.TypeMeta')!, schema);
      return Buffer.concat([
        magic,
        ...delimited(1, typeMeta),
        ...delimited(2, raw),
        ...delimited(3, Buffer.alloc(0)),
        ...delimited(4, Buffer.alloc(0)),
      ]);
    },
  };
}

interface Context {
  schema: WireSchema;
  depth: number;
}

function decodeMessage(bytes: Buffer, message: WireMessage, context: Context): Fields {
  if (context.depth > maxDepth) throw new ProtobufError('message is nested too deep');
  const fields: Fields = {};
  let at = 0;
  while (at < bytes.length) {
    const tag = readVarint(bytes, at);
    at = tag.next;
    const [number, type] = [Number(tag.value >> 3n), Number(tag.value & 7n)];
    const content = readContent(bytes, at, type);
    at = content.next;
    const field = message.byNumber.get(number);
    if (field) addField(fields, field, { content, message, context });
  }
  return fields;
}

type Content = { next: number; number?: bigint; bytes?: Buffer };

/** One value by its wire type (0 varint, 1 fixed64, 2 length-delimited, 5 fixed32). */
function readContent(bytes: Buffer, at: number, type: number): Content {
  switch (type) {
    case 0: {
      const { value, next } = readVarint(bytes, at);
      return { next, number: value };
    }
    case 1:
      need(bytes, at + 8);
      return { next: at + 8, bytes: bytes.subarray(at, at + 8) };
    case 2: {
      const length = readVarint(bytes, at);
      const end = length.next + Number(length.value);
      need(bytes, end);
      return { next: end, bytes: bytes.subarray(length.next, end) };
    }
    case 5:
      need(bytes, at + 4);
      return { next: at + 4, bytes: bytes.subarray(at, at + 4) };
    default:
      throw new ProtobufError(`illegal wire type ${type}`);
  }
}

function need(bytes: Buffer, end: number): void {
  if (end > bytes.length) throw new ProtobufError('unexpected EOF');
}

function readVarint(bytes: Buffer, start: number): { value: bigint; next: number } {
  let value = 0n;
  for (let at = start, shift = 0n; shift < 70n; at++, shift += 7n) {
    const byte = bytes[at];
    if (byte === undefined) throw new ProtobufError('unexpected EOF');
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return { value, next: at + 1 };
  }
  throw new ProtobufError('integer overflow');
}

function addField(
  fields: Fields,
  field: WireField,
  at: { content: Content; message: WireMessage; context: Context },
): void {
  const { content, message, context } = at;
  if (field.isMap) {
    const entry = decodeMapEntry(content, field, context);
    fields[field.name] = { ...(fields[field.name] as Fields | undefined), [entry.key]: entry.value };
    return;
  }
  const value = decodeValue(content, field, context);
  if (field.isInline) Object.assign(fields, value);
  else if (field.isRepeated) fields[field.name] = [...((fields[field.name] as unknown[]) ?? []), value];
  else if (value !== undefined && isSaid(value, field, message)) fields[field.name] = value;
}

/** Whether a value would stand in JSON (see zeroMatters). */
function isSaid(value: unknown, field: WireField, message: WireMessage): boolean {
  if (value === '')
    return (
      emptyTextMatters.has(`${message.name.slice(message.name.lastIndexOf('.') + 1)}.${field.name}`) ||
      message.name.startsWith('k8s.io.apimachinery.pkg.util')
    );
  if (value === 0 || value === false)
    return zeroMatters.has(field.name) || message.name.startsWith('k8s.io.apimachinery.pkg.util');
  return true;
}

function decodeMapEntry(content: Content, field: WireField, context: Context): { key: string; value: unknown } {
  const bytes = content.bytes ?? fail('a map entry must be a message');
  let key = '';
  let value: unknown = field.kind === 'string' || field.kind === 'bytes' ? '' : {};
  for (let at = 0; at < bytes.length; ) {
    const tag = readVarint(bytes, at);
    const part = readContent(bytes, tag.next, Number(tag.value & 7n));
    at = part.next;
    if (tag.value >> 3n === 1n) key = (part.bytes ?? fail('a map key must be text')).toString();
    else value = decodeValue(part, field, context);
  }
  return { key, value };
}

function decodeValue(content: Content, field: WireField, context: Context): unknown {
  switch (field.kind) {
    case 'bool':
      return content.number !== 0n;
    case 'int32':
      return Number(BigInt.asIntN(32, content.number ?? fail(`${field.name} must be a number`)));
    case 'int64':
      return Number(BigInt.asIntN(64, content.number ?? fail(`${field.name} must be a number`)));
    case 'double':
      return (content.bytes ?? fail(`${field.name} must be a number`)).readDoubleLE();
    case 'string':
      return (content.bytes ?? fail(`${field.name} must be text`)).toString();
    case 'bytes':
      return (content.bytes ?? fail(`${field.name} must be bytes`)).toString('base64');
    case 'message': {
      const message = context.schema(field.message);
      if (!message) throw new ProtobufError(`the wire table has no ${field.message}`);
      const fields = decodeMessage(content.bytes ?? fail(`${field.name} must be a message`), message, {
        ...context,
        depth: context.depth + 1,
      });
      return toJson(fields, field.message);
    }
  }
}

function toJson(fields: Fields, message: string): unknown {
  const special = specialMessages[message];
  if (!special) return fields;
  try {
    return special.toJson(fields);
  } catch (cause) {
    throw new ProtobufError(`${message} holds no JSON`, { cause });
  }
}

function fail(message: string): never {
  throw new ProtobufError(message);
}

function encodeMessage(object: Fields, message: WireMessage, schema: WireSchema): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(object)) {
    const field = message.byName.get(name);
    if (field && value !== undefined && value !== null) encodeField(parts, field, value, schema);
  }
  for (const field of message.inline) {
    const inner = encodeMessage(object, schema(field.message)!, schema);
    parts.push(...delimited(field.number, inner));
  }
  return Buffer.concat(parts);
}

function encodeField(parts: Buffer[], field: WireField, value: unknown, schema: WireSchema): void {
  if (field.isMap) {
    for (const [key, item] of Object.entries(value as Fields)) {
      const entry: Buffer[] = [...delimited(1, Buffer.from(key))];
      encodeValue(entry, { ...field, number: 2 }, item, schema);
      parts.push(...delimited(field.number, Buffer.concat(entry)));
    }
  } else if (field.isRepeated) {
    for (const item of value as unknown[]) encodeValue(parts, field, item, schema);
  } else {
    encodeValue(parts, field, value, schema);
  }
}

function encodeValue(parts: Buffer[], field: WireField, value: unknown, schema: WireSchema): void {
  switch (field.kind) {
    case 'bool':
      parts.push(varint(BigInt(field.number << 3)), Buffer.from([value ? 1 : 0]));
      return;
    case 'int32':
    case 'int64':
      parts.push(varint(BigInt(field.number << 3)), varint(BigInt.asUintN(64, BigInt(Math.trunc(value as number)))));
      return;
    case 'double': {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(value as number);
      parts.push(varint(BigInt((field.number << 3) | 1)), bytes);
      return;
    }
    case 'string':
      parts.push(...delimited(field.number, Buffer.from(String(value))));
      return;
    case 'bytes':
      parts.push(...delimited(field.number, Buffer.from(String(value), 'base64')));
      return;
    case 'message': {
      const special = specialMessages[field.message];
      const fields = special ? special.toFields(value) : (value as Fields);
      parts.push(...delimited(field.number, encodeMessage(fields, schema(field.message)!, schema)));
    }
  }
}

function delimited(number: number, bytes: Buffer): Buffer[] {
  return [varint(BigInt((number << 3) | 2)), varint(BigInt(bytes.length)), bytes];
}

function varint(value: bigint): Buffer {
  if (value < 128n) return Buffer.from([Number(value)]);
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** One event of a protobuf watch: the event's message in a frame of four bytes of length and the bytes (upstream's length-delimited framer). */
export function protobufWatchFrame(type: string, object: Buffer): Buffer {
  const raw = Buffer.concat(delimited(1, object));
  const event = Buffer.concat([...delimited(1, Buffer.from(type)), ...delimited(2, raw)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(event.length);
  return Buffer.concat([length, event]);
}
