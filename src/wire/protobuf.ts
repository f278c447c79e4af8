import { BackWriter, ProtobufError, Reader } from './protobuf-bytes.ts';
import { envelopeEnd, lengthTag, readEnvelope, writeEnvelope, writeField } from './protobuf-envelope.ts';
import { createMessageCodecs } from './protobuf-messages.ts';
import { messageOfKind } from './protobuf-schema.ts';

/** What stands in the envelope beside the object. */
export interface WireKind {
  readonly apiVersion: string;
  readonly kind: string;
}

/**
 * Kubernetes' protobuf, both ways, between bytes and objects in the shape of their JSON. Objects are not checked beyond what the wire needs, and
 * unknown fields are dropped. Custom resources and Tables have no messages: upstream answers them in JSON too.
 */
export interface ProtobufCodec {
  /** False: there is no such message, use JSON. */
  knows(apiVersion: string, kind: string): boolean;
  /** The object in the envelope, as `application/vnd.kubernetes.protobuf`. `kind` defaults to the object's own. Throws ProtobufError. */
  encode(object: object, kind?: WireKind): Buffer;
  /** Only the message, as it stands in a list. Throws ProtobufError. */
  encodeBody(object: object, kind: WireKind): Buffer;
  /** What encodeBody gave, in the envelope. */
  wrap(body: Uint8Array, kind: WireKind): Buffer;
  /** Items that are encoded already (by `encodeBody`) as they stand in a list: in few large pieces. */
  joinItems(items: readonly Uint8Array[]): Uint8Array[];
  /** A list of what `joinItems` gave; its pieces in order. Throws ProtobufError. */
  encodeList(list: { kind: WireKind; metadata: object; items: readonly Uint8Array[] }): Uint8Array[];
  /** An object from its envelope, with apiVersion and kind; from `fallback` when the envelope names none. Throws ProtobufError. */
  decode(bytes: Uint8Array, fallback?: WireKind): Record<string, unknown> & WireKind;
  /** The object of a message without envelope. Throws ProtobufError. */
  decodeBody(bytes: Uint8Array, kind: WireKind): Record<string, unknown>;
}

export { ProtobufError };

export const protobufMediaType = 'application/vnd.kubernetes.protobuf';

const listMetaMessage = 'k8s.io.apimachinery.pkg.apis.meta.v1.ListMeta';
/** A writer that has grown beyond this is not kept. */
const keptWriterBytes = 1024 * 1024;

/** Codecs are compiled when first used and kept as long as this. */
export function createProtobufCodec(): ProtobufCodec {
  const messages = createMessageCodecs(bytes => decodeEnvelope(bytes));
  let writer = new BackWriter();
  const write = (fill: (into: BackWriter) => void): Buffer => {
    writer.clear();
    fill(writer);
    const bytes = writer.take();
    if (bytes.length > keptWriterBytes) writer = new BackWriter();
    return bytes;
  };
  const encode = (object: object, kind: WireKind): Buffer =>
    write(into => {
      into.bytes(envelopeEnd);
      const before = into.length;
      messages.encode(needMessage(kind), object, into);
      writeEnvelope(into, kind, into.length - before);
    });
  const decodeBody = (bytes: Uint8Array, kind: WireKind) =>
    messages.decode(needMessage(kind), new Reader(bytes), bytes.length) as Record<string, unknown>;
  const decodeEnvelope = (bytes: Uint8Array, fallback?: WireKind) => {
    const { kind, raw, isJson } = readEnvelope(bytes, fallback);
    return { ...kind, ...(isJson ? parseObject(raw) : decodeBody(raw, kind)) };
  };
  return {
    knows: (apiVersion, kind) => messageOfKind(apiVersion, kind) !== undefined,
    encode: (object, kind = object as WireKind) => encode(object, kind),
    encodeBody: (object, kind) => write(into => messages.encode(needMessage(kind), object, into)),
    wrap: (body, kind) =>
      write(into => {
        into.bytes(envelopeEnd);
        into.bytes(body);
        writeEnvelope(into, kind, body.length);
      }),
    joinItems,
    encodeList: ({ kind, metadata, items }) =>
      listPieces({ head: write(into => messages.encode(listMetaMessage, metadata, into)), kind, items, write }),
    decode(bytes, fallback) {
      messages.begin();
      return decodeEnvelope(bytes, fallback);
    },
    decodeBody(bytes, kind) {
      messages.begin();
      return decodeBody(bytes, kind);
    },
  };
}

/** One event of `application/vnd.kubernetes.protobuf;stream=watch`: four bytes of length, then the event; `object` is an envelope. */
export function protobufWatchFrame(type: string, object: Uint8Array): Buffer {
  const writer = new BackWriter(object.length + 64);
  writeField(writer, 2, () => writeField(writer, 1, () => writer.bytes(object))); // object: RawExtension { raw }
  writeField(writer, 1, () => writer.string(type));
  const size = Buffer.alloc(4);
  size.writeUInt32BE(writer.length);
  writer.bytes(size);
  return writer.take();
}

function needMessage({ apiVersion, kind }: WireKind): string {
  const message = messageOfKind(apiVersion, kind);
  if (message === undefined) throw new ProtobufError('unknown-kind', `${apiVersion} ${kind} has no protobuf form`);
  return message;
}

function parseObject(raw: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(raw).toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new ProtobufError('malformed', 'proto: the raw bytes are not JSON', { cause });
  }
  throw new ProtobufError('malformed', 'proto: the raw bytes are no JSON object');
}

/** All lists are `metadata = 1; repeated items = 2`. */
function listPieces(list: {
  head: Uint8Array;
  kind: WireKind;
  items: readonly Uint8Array[];
  write(fill: (into: BackWriter) => void): Uint8Array;
}): Uint8Array[] {
  const { head, kind, items, write } = list;
  const metadata = write(into => writeField(into, 1, () => into.bytes(head)));
  const sizeBytes = items.reduce((sum, item) => sum + item.length, metadata.length);
  const open = write(into => {
    into.bytes(metadata);
    writeEnvelope(into, kind, sizeBytes);
  });
  return [open, ...items, envelopeEnd];
}

/** Long enough that the way of a block costs little, short enough that a slow reader is told from a big list. */
const blockBytes = 4 * 1024 * 1024;
/** Tag and length before an item. */
const maxHeadBytes = 6;

function joinItems(items: readonly Uint8Array[]): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (let start = 0; start < items.length; ) {
    let bytes = 0;
    let end = start;
    while (end < items.length && (bytes === 0 || bytes < blockBytes)) bytes += items[end++]!.length + maxHeadBytes;
    const block = Buffer.allocUnsafeSlow(bytes);
    let at = 0;
    for (let index = start; index < end; index++) {
      const item = items[index]!;
      block[at++] = lengthTag(2);
      at = putVarint(block, at, item.length);
      block.set(item, at);
      at += item.length;
    }
    blocks.push(block.subarray(0, at));
    start = end;
  }
  return blocks;
}

function putVarint(block: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) block[at++] = (rest & 0x7f) | 0x80;
  block[at++] = rest;
  return at;
}
