import { type BackWriter, malformed, ProtobufError, Reader } from './protobuf-bytes.ts';
import { fieldsOfMessage, type Scalar, type WireField } from './protobuf-schema.ts';
import { eachField, type SpecialContext, specials } from './protobuf-specials.ts';

type Fields = Record<string, unknown>;

/** Deeper messages than any object of the API are an attack on the stack. */
const maxDepth = 500;

interface FieldCodec {
  /** In JSON; undefined: the fields stand in the object itself. */
  readonly name: string | undefined;
  write(value: unknown, object: Fields, writer: BackWriter): void;
  /** Reads one occurrence into `object`. */
  read(wireType: number, at: { reader: Reader; end: number; object: Fields }): void;
}

interface MessageCodec {
  /** By number. */
  readonly fields: readonly FieldCodec[];
  readonly byNumber: ReadonlyMap<number, FieldCodec>;
}

/** One value of a field, with its wire type. */
interface ValueCodec {
  readonly wireType: number;
  write(value: unknown, writer: BackWriter): void;
  /** `before`: what an earlier occurrence left. Undefined: JSON leaves it out. */
  read(reader: Reader, end: number, before?: unknown): unknown;
  /** What a map holds under a key that came without a value. */
  zero(): unknown;
  isZero(value: unknown): boolean;
}

export interface MessageCodecs {
  /** Writes the body of a message before what the writer holds. Throws ProtobufError `unfit`. */
  encode(message: string, value: unknown, writer: BackWriter): void;
  /** Reads a message that ends at `end`. Throws ProtobufError `malformed`. */
  decode(message: string, reader: Reader, end: number): unknown;
  /** Forgets how deep a decode that threw had come; called before each one from outside. */
  begin(): void;
}

/** Codecs of messages, compiled from the tables when first used. */
export function createMessageCodecs(decodeEnvelope: SpecialContext['decodeEnvelope']): MessageCodecs {
  const codecs = new Map<string, MessageCodec>();
  const codecOf = (message: string): MessageCodec => {
    const known = codecs.get(message);
    if (known) return known;
    const fields = fieldsOfMessage(message);
    const compiled = fields.map(field => compileField(field, valueCodec));
    const codec = {
      fields: compiled,
      byNumber: new Map(fields.map(({ number }, index) => [number, compiled[index]!])),
    };
    codecs.set(message, codec);
    return codec;
  };
  let depth = 0;
  const deeper = () => {
    if (++depth > maxDepth) throw malformed('exceeded max depth');
  };
  const encode: MessageCodecs['encode'] = (message, value, writer) => {
    deeper();
    const special = specials.get(message);
    if (special) special.encode(value, writer, context);
    else writeMessage(codecOf(message), value, writer);
    depth--;
  };
  const decode = (message: string, reader: Reader, end: number, before?: unknown): unknown => {
    deeper();
    const special = specials.get(message);
    const value = special
      ? special.decode(reader, end, context)
      : readMessage(codecOf(message), { reader, end, object: isFields(before) ? before : {} });
    depth--;
    return value;
  };
  const context: SpecialContext = { encode, decode, decodeEnvelope };
  const valueCodec = (type: WireField['type']): ValueCodec =>
    typeof type === 'string'
      ? scalarCodecs[type]
      : {
          wireType: 2,
          write: (value, writer) => encode(type.message, value, writer),
          read: (reader, end, before) => decode(type.message, reader, end, before),
          zero: () => decode(type.message, new Reader(new Uint8Array(0)), 0) ?? null,
          isZero: specials.get(type.message)?.isZero ?? (() => false),
        };
  return {
    encode(message, value, writer) {
      depth = 0;
      encode(message, value, writer);
    },
    decode,
    begin() {
      depth = 0;
    },
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

const scalarCodecs: Readonly<Record<Scalar, ValueCodec>> = {
  string: {
    wireType: 2,
    write: (value, writer) => writer.string(typeof value === 'string' ? value : needScalar(value, 'a string')),
    read: (reader, end) => reader.string(end),
    zero: () => '',
    isZero: value => value === '',
  },
  bytes: {
    wireType: 2,
    write: (value, writer) =>
      writer.bytes(Buffer.from(typeof value === 'string' ? value : needScalar(value, 'base64'), 'base64')),
    read: (reader, end) => reader.bytes(end).toString('base64'),
    zero: () => '',
    isZero: value => value === '',
  },
  bool: {
    wireType: 0,
    write: (value, writer) =>
      writer.varint(typeof value === 'boolean' ? Number(value) : needScalar(value, 'a boolean')),
    read: (reader, end) => reader.uint64(end) !== 0n,
    zero: () => false,
    isZero: value => value === false,
  },
  int32: {
    wireType: 0,
    write: (value, writer) =>
      writer.int64(Number.isInteger(value) ? (value as number) : needScalar(value, 'an integer')),
    read: (reader, end) => reader.int32(end),
    zero: () => 0,
    isZero: value => value === 0,
  },
  int64: {
    wireType: 0,
    write: (value, writer) =>
      writer.int64(Number.isInteger(value) ? (value as number) : needScalar(value, 'an integer')),
    read: (reader, end) => reader.int64(end),
    zero: () => 0,
    isZero: value => value === 0,
  },
  double: {
    wireType: 1,
    write: (value, writer) => writer.double(typeof value === 'number' ? value : needScalar(value, 'a number')),
    read: (reader, end) => reader.double(end),
    zero: () => 0,
    isZero: value => value === 0,
  },
};

function needScalar(value: unknown, wanted: string): never {
  throw new ProtobufError('unfit', `proto: ${typeof value} where ${wanted} is needed`);
}

function writeMessage({ fields }: MessageCodec, value: unknown, writer: BackWriter): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ProtobufError('unfit', `proto: ${typeof value} where an object is needed`);
  const object = value as Fields;
  for (let index = fields.length - 1; index >= 0; index--) {
    const field = fields[index]!;
    const part = field.name === undefined ? object : object[field.name];
    if (part !== undefined && part !== null) field.write(part, object, writer);
  }
}

function readMessage({ byNumber }: MessageCodec, at: { reader: Reader; end: number; object: Fields }): Fields {
  const { reader, end } = at;
  while (reader.at < end) {
    const tag = reader.varint(end);
    const number = Math.floor(tag / 8);
    if (number === 0) throw malformed('illegal tag 0');
    const field = byNumber.get(number);
    if (field) field.read(tag & 7, at);
    else reader.skip(tag & 7, end);
  }
  if (reader.at !== end) throw malformed('unexpected EOF');
  return at.object;
}

type ValueCodecOf = (type: WireField['type']) => ValueCodec;

function compileField(field: WireField, codecOf: ValueCodecOf): FieldCodec {
  if (field.isInline) return inlineField(field, codecOf);
  if (field.shape === 'map') return mapField(field, codecOf);
  return field.shape === 'list' ? listField(field, codecOf) : singleField(field, codecOf);
}

function needWireType(found: number, wanted: number, name: string): void {
  if (found !== wanted) throw malformed(`wrong wireType = ${found} for field ${name}`);
}

/** Value, then its length where it has one, then the tag. */
function writeTagged(value: unknown, at: { codec: ValueCodec; tag: number; writer: BackWriter }): void {
  const { codec, tag, writer } = at;
  const before = writer.length;
  codec.write(value, writer);
  if (codec.wireType === 2) writer.varint(writer.length - before);
  writer.varint(tag);
}

function readOne(codec: ValueCodec, at: { reader: Reader; end: number }, before?: unknown): unknown {
  const { reader, end } = at;
  return codec.read(reader, codec.wireType === 2 ? reader.end(end) : end, before);
}

function singleField({ name, number, type, dropsZero }: WireField, codecOf: ValueCodecOf): FieldCodec {
  const codec = codecOf(type);
  const tag = number * 8 + codec.wireType;
  return {
    name,
    write: (value, _object, writer) => writeTagged(value, { codec, tag, writer }),
    read(wireType, at) {
      needWireType(wireType, codec.wireType, name);
      const value = readOne(codec, at, at.object[name]);
      if (value === undefined || (dropsZero && codec.isZero(value))) delete at.object[name];
      else at.object[name] = value;
    },
  };
}

function listField({ name, number, type }: WireField, codecOf: ValueCodecOf): FieldCodec {
  const codec = codecOf(type);
  const tag = number * 8 + codec.wireType;
  return {
    name,
    write(value, _object, writer) {
      if (!Array.isArray(value)) throw new ProtobufError('unfit', `proto: ${name} must be a list`);
      for (let index = value.length - 1; index >= 0; index--) writeTagged(value[index], { codec, tag, writer });
    },
    read(wireType, at) {
      const list = Array.isArray(at.object[name]) ? at.object[name] : [];
      at.object[name] = list;
      if (wireType === 2 && codec.wireType !== 2) {
        // Packed numbers: one length for all of them.
        const end = at.reader.end(at.end);
        while (at.reader.at < end) list.push(codec.read(at.reader, end));
        return;
      }
      needWireType(wireType, codec.wireType, name);
      list.push(readOne(codec, at) ?? null);
    },
  };
}

const keyTag = 10;

function mapField({ name, number, type }: WireField, codecOf: ValueCodecOf): FieldCodec {
  const codec = codecOf(type);
  const tag = number * 8 + 2;
  const valueTag = 16 + codec.wireType;
  return {
    name,
    write(value, _object, writer) {
      if (typeof value !== 'object') throw new ProtobufError('unfit', `proto: ${name} must be a map`);
      const map = value as Fields;
      // Sorted, so that equal maps have equal bytes.
      const keys = Object.keys(map).sort();
      for (let index = keys.length - 1; index >= 0; index--) {
        const before = writer.length;
        const key = keys[index]!;
        writeTagged(map[key] ?? '', { codec, tag: valueTag, writer });
        writeTagged(key, { codec: scalarCodecs.string, tag: keyTag, writer });
        writer.varint(writer.length - before);
        writer.varint(tag);
      }
    },
    read(wireType, at) {
      needWireType(wireType, 2, name);
      const map = isFields(at.object[name]) ? at.object[name] : {};
      at.object[name] = map;
      const end = at.reader.end(at.end);
      let key = '';
      let value: unknown;
      eachField(at.reader, end, (fieldTag, reader, limit) => {
        if (fieldTag === keyTag) key = reader.string(reader.end(limit));
        else if (fieldTag === valueTag) value = readOne(codec, { reader, end: limit });
      });
      setOwn(map, key, value ?? codec.zero());
    },
  };
}

/** A key that would change the prototype becomes an ordinary member, as in JSON.parse. */
function setOwn(map: Fields, key: string, value: unknown): void {
  if (key !== '__proto__') map[key] = value;
  else Object.defineProperty(map, key, { value, enumerable: true, writable: true, configurable: true });
}

function inlineField({ number, type }: WireField, codecOf: ValueCodecOf): FieldCodec {
  const codec = codecOf(type);
  const tag = number * 8 + 2;
  return {
    name: undefined,
    write: (_value, object, writer) => writeTagged(object, { codec, tag, writer }),
    read(wireType, at) {
      needWireType(wireType, 2, 'embedded');
      readOne(codec, at, at.object);
    },
  };
}
