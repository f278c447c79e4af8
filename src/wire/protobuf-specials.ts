import { type BackWriter, malformed, ProtobufError, type Reader } from './protobuf-bytes.ts';
import { formatGoDuration, parseGoDuration } from './protobuf-duration.ts';
import { decodeMicroTime, decodeTime, encodeMicroTime, encodeTime } from './protobuf-time.ts';

/** What a special message may ask of the codec. */
export interface SpecialContext {
  encode(message: string, value: unknown, writer: BackWriter): void;
  decode(message: string, reader: Reader, end: number): unknown;
  /** An enveloped object inside another one. */
  decodeEnvelope(bytes: Uint8Array): unknown;
}

/** A message whose JSON form is not an object of its fields. `decode` gives undefined for what JSON leaves out. */
export interface Special {
  encode(value: unknown, writer: BackWriter, context: SpecialContext): void;
  decode(reader: Reader, end: number, context: SpecialContext): unknown;
  /** JSON leaves this value out where Go has no pointer. */
  isZero?(value: unknown): boolean;
}

const meta = 'k8s.io.apimachinery.pkg.apis.meta.v1';
const extensions = 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1';
const schemaMessage = `${extensions}.JSONSchemaProps`;

/** Tag bytes of the fields of special messages: number * 8 + wire type. */
const tag = { varint1: 8, bytes1: 10, varint2: 16, bytes2: 18, bytes3: 26 } as const;

type OnField = (tag: number, reader: Reader, limit: number) => void;

/** Walks the fields of a message; what `onField` does not read is stepped over. */
export function eachField(reader: Reader, end: number, onField: OnField): void {
  while (reader.at < end) {
    const fieldTag = reader.varint(end);
    const before = reader.at;
    onField(fieldTag, reader, end);
    if (reader.at === before) reader.skip(fieldTag & 7, end);
  }
}

function unfit(value: unknown, wanted: string): ProtobufError {
  return new ProtobufError('unfit', `proto: ${typeof value} where ${wanted} is needed`);
}

function writeBytes(writer: BackWriter, fieldTag: number, value: string | Uint8Array): void {
  const before = writer.length;
  if (typeof value === 'string') writer.string(value);
  else writer.bytes(value);
  writer.varint(writer.length - before);
  writer.varint(fieldTag);
}

const quantity: Special = {
  encode(value, writer) {
    if (typeof value !== 'string' && typeof value !== 'number') throw unfit(value, 'a quantity');
    writeBytes(writer, tag.bytes1, String(value));
  },
  decode(reader, end) {
    let text = '0';
    eachField(reader, end, (fieldTag, at, limit) => {
      if (fieldTag === tag.bytes1) text = at.string(at.end(limit));
    });
    return text || '0';
  },
};

const intOrString: Special = {
  encode(value, writer) {
    if (typeof value !== 'string' && typeof value !== 'number') throw unfit(value, 'a number or a string');
    const isText = typeof value === 'string';
    writeBytes(writer, tag.bytes3, isText ? value : '');
    writer.int64(isText ? 0 : value);
    writer.varint(tag.varint2);
    writer.varint(Number(isText));
    writer.varint(tag.varint1);
  },
  decode(reader, end) {
    let type = 0;
    let number = 0;
    let text = '';
    eachField(reader, end, (fieldTag, at, limit) => {
      if (fieldTag === tag.varint1) type = at.varint(limit);
      else if (fieldTag === tag.varint2) number = at.int32(limit);
      else if (fieldTag === tag.bytes3) text = at.string(at.end(limit));
    });
    return type === 1 ? text : number;
  },
  isZero: value => value === 0 || value === '',
};

/** JSON inside protobuf; an enveloped object where upstream's clients put one. */
const rawJson: Special = {
  encode(value, writer) {
    writeBytes(writer, tag.bytes1, JSON.stringify(value));
  },
  decode(reader, end, context) {
    let raw: Buffer | undefined;
    eachField(reader, end, (fieldTag, at, limit) => {
      if (fieldTag === tag.bytes1) raw = at.bytes(at.end(limit));
    });
    if (!raw?.length) return undefined;
    if (raw[0] === 0x6b && raw[1] === 0x38 && raw[2] === 0x73 && raw[3] === 0) return context.decodeEnvelope(raw);
    try {
      return JSON.parse(raw.toString());
    } catch (cause) {
      throw new ProtobufError('malformed', 'proto: raw bytes are not JSON', { cause });
    }
  },
};

const stringList: Special = {
  encode(value, writer) {
    if (!Array.isArray(value)) throw unfit(value, 'a list');
    for (let index = value.length - 1; index >= 0; index--) writeBytes(writer, tag.bytes1, String(value[index]));
  },
  decode(reader, end) {
    const items: string[] = [];
    eachField(reader, end, (fieldTag, at, limit) => {
      if (fieldTag === tag.bytes1) items.push(at.string(at.end(limit)));
    });
    return items;
  },
};

function writeSchema(value: unknown, at: { writer: BackWriter; fieldTag: number; context: SpecialContext }): void {
  const before = at.writer.length;
  at.context.encode(schemaMessage, value, at.writer);
  at.writer.varint(at.writer.length - before);
  at.writer.varint(at.fieldTag);
}

function isSchema(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const schemaOrBool: Special = {
  encode(value, writer, context) {
    if (isSchema(value)) writeSchema(value, { writer, fieldTag: tag.bytes2, context });
    writer.varint(value === false ? 0 : 1);
    writer.varint(tag.varint1);
  },
  decode(reader, end, context) {
    let value: unknown = false;
    eachField(reader, end, (fieldTag, at, limit) => {
      if (fieldTag === tag.varint1) {
        const allows = at.varint(limit) !== 0;
        if (typeof value === 'boolean') value = allows;
      } else if (fieldTag === tag.bytes2) value = context.decode(schemaMessage, at, at.end(limit));
    });
    return value;
  },
};

/** A schema (field 1), or a list (field 2) of schemas or of strings. */
function schemaOrList(items: 'schemas' | 'strings'): Special {
  return {
    encode(value, writer, context) {
      if (isSchema(value)) writeSchema(value, { writer, fieldTag: tag.bytes1, context });
      else if (!Array.isArray(value)) throw unfit(value, 'a schema or a list');
      else
        for (let index = value.length - 1; index >= 0; index--) {
          if (items === 'strings') writeBytes(writer, tag.bytes2, String(value[index]));
          else writeSchema(value[index], { writer, fieldTag: tag.bytes2, context });
        }
    },
    decode(reader, end, context) {
      let schema: unknown;
      const list: unknown[] = [];
      eachField(reader, end, (fieldTag, at, limit) => {
        if (fieldTag === tag.bytes1) schema = context.decode(schemaMessage, at, at.end(limit));
        else if (fieldTag === tag.bytes2) {
          const partEnd = at.end(limit);
          list.push(items === 'strings' ? at.string(partEnd) : context.decode(schemaMessage, at, partEnd));
        }
      });
      return schema ?? list;
    },
  };
}

const duration: Special = {
  encode(value, writer) {
    const nanoseconds = typeof value === 'string' ? parseGoDuration(value) : undefined;
    if (nanoseconds === undefined) throw unfit(value, 'a duration');
    writer.int64(nanoseconds);
    writer.varint(tag.varint1);
  },
  decode(reader, end) {
    let nanoseconds = 0n;
    eachField(reader, end, (fieldTag, at, limit) => {
      if (fieldTag === tag.varint1) nanoseconds = BigInt.asIntN(64, at.uint64(limit));
    });
    return formatGoDuration(nanoseconds);
  },
};

/** A time as seconds (field 1) and nanoseconds (field 2); nothing at all for Go's zero time, which JSON leaves out. */
function timeOf(encode: typeof encodeTime, decode: typeof decodeTime): Special {
  return {
    encode(value, writer) {
      const time = typeof value === 'string' ? encode(value) : undefined;
      if (time === undefined) throw unfit(value, 'a time');
      if (time === 'zero') return;
      writer.int64(time.nanos);
      writer.varint(tag.varint2);
      writer.int64(time.seconds);
      writer.varint(tag.varint1);
    },
    decode(reader, end) {
      if (reader.at === end) return undefined;
      let seconds = 0;
      let nanos = 0;
      eachField(reader, end, (fieldTag, at, limit) => {
        if (fieldTag === tag.varint1) seconds = at.int64(limit);
        else if (fieldTag === tag.varint2) nanos = at.int32(limit);
      });
      const text = decode({ seconds, nanos });
      if (text === undefined) throw malformed('time out of range');
      return text;
    },
  };
}

export const specials: ReadonlyMap<string, Special> = new Map([
  ['k8s.io.apimachinery.pkg.api.resource.Quantity', quantity],
  ['k8s.io.apimachinery.pkg.util.intstr.IntOrString', intOrString],
  ['k8s.io.apimachinery.pkg.runtime.RawExtension', rawJson],
  [`${meta}.FieldsV1`, rawJson],
  [`${meta}.Time`, timeOf(encodeTime, decodeTime)],
  [`${meta}.MicroTime`, timeOf(encodeMicroTime, decodeMicroTime)],
  [`${meta}.Duration`, duration],
  [`${meta}.Verbs`, stringList],
  ['k8s.io.api.authentication.v1.ExtraValue', stringList],
  ['k8s.io.api.authorization.v1.ExtraValue', stringList],
  ['k8s.io.api.certificates.v1.ExtraValue', stringList],
  [`${extensions}.JSON`, rawJson],
  [`${extensions}.JSONSchemaPropsOrBool`, schemaOrBool],
  [`${extensions}.JSONSchemaPropsOrArray`, schemaOrList('schemas')],
  [`${extensions}.JSONSchemaPropsOrStringArray`, schemaOrList('strings')],
]);
