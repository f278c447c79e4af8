import { type BackWriter, ProtobufError, Reader } from './protobuf-bytes.ts';
import { eachField } from './protobuf-specials.ts';

/** The first bytes of every enveloped object. */
export const magic = Buffer.from('k8s\0', 'latin1');

/** Tag of a field whose value has a length. */
export function lengthTag(field: number): number {
  return field * 8 + 2;
}

/** A field with a length, before what the writer holds. */
export function writeField(writer: BackWriter, field: number, fill: () => void): void {
  const before = writer.length;
  fill();
  writer.varint(writer.length - before);
  writer.varint(lengthTag(field));
}

/** contentEncoding = 3 and contentType = 4, empty, as upstream ends the envelope. */
export const envelopeEnd: Uint8Array = Buffer.from([lengthTag(3), 0, lengthTag(4), 0]);

/**
 * The start of k8s.io/apimachinery/pkg/runtime.Unknown up to an object of `sizeBytes`, before what the writer holds: typeMeta = 1, raw = 2.
 * `envelopeEnd` comes after the object.
 */
export function writeEnvelope(writer: BackWriter, kind: { apiVersion: string; kind: string }, sizeBytes: number): void {
  writer.varint(sizeBytes);
  writer.varint(lengthTag(2));
  writeField(writer, 1, () => {
    writeField(writer, 2, () => writer.string(kind.kind));
    writeField(writer, 1, () => writer.string(kind.apiVersion));
  });
  writer.bytes(magic);
}

/** Throws ProtobufError. */
export function readEnvelope(bytes: Uint8Array, fallback?: { apiVersion: string; kind: string }) {
  if (bytes.length === 0) throw new ProtobufError('malformed', 'empty data');
  if (bytes.length < magic.length || magic.compare(bytes, 0, magic.length) !== 0) {
    const why = `expected prefix [${[...magic].join(' ')}]`;
    throw new ProtobufError('malformed', `provided data does not appear to be a protobuf message, ${why}`);
  }
  if (bytes.length === magic.length) throw new ProtobufError('malformed', 'empty body');
  const reader = new Reader(bytes.subarray(magic.length));
  const kind = { apiVersion: '', kind: '' };
  let raw: Uint8Array = new Uint8Array(0);
  let contentType = '';
  eachField(reader, bytes.length - magic.length, (tag, at, limit) => {
    if (tag === lengthTag(1)) readTypeMeta(kind, at, at.end(limit));
    else if (tag === lengthTag(2)) raw = at.bytes(at.end(limit));
    else if (tag === lengthTag(4)) contentType = at.string(at.end(limit));
  });
  return {
    kind: { apiVersion: kind.apiVersion || (fallback?.apiVersion ?? ''), kind: kind.kind || (fallback?.kind ?? '') },
    raw,
    isJson: contentType === 'application/json',
  };
}

function readTypeMeta(kind: { apiVersion: string; kind: string }, reader: Reader, end: number): void {
  eachField(reader, end, (tag, at, limit) => {
    if (tag === lengthTag(1)) kind.apiVersion = at.string(at.end(limit));
    else if (tag === lengthTag(2)) kind.kind = at.string(at.end(limit));
  });
}
