import { gunzipSync } from 'node:zlib';
import type { ProtobufCodec, Response } from '#wire';
import { parseYamlText } from '../document.ts';

const protobufMagic = Buffer.from('k8s\0');

/** A body as an object; undefined for none, and for what is no object (streams, forms, broken text). */
export function readObject(bytes: Uint8Array | undefined, type: string, codec: ProtobufCodec): unknown {
  if (!bytes || bytes.length === 0) return undefined;
  try {
    if (protobufMagic.equals(bytes.subarray(0, protobufMagic.length))) return codec.decode(bytes);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
    if (type.includes('yaml')) return parseYamlText(text);
    return type === '' || type.includes('json') ? JSON.parse(text) : undefined;
  } catch {
    // What cannot be read was refused with a 400, which is in the event.
    return undefined;
  }
}

/** The whole body of an answer; undefined when it is a stream. */
export function wholeBody({ body, headers }: Response): Uint8Array | undefined {
  if (body === undefined || typeof body === 'function') return undefined;
  const bytes = body instanceof Uint8Array ? body : Buffer.concat(body as Uint8Array[]);
  return headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
}

/** The same without managedFields, of the object and of a list's items. Changes the given one, which belongs to the event. */
export function withoutManagedFields(object: unknown): unknown {
  const { metadata, items } = (object ?? {}) as { metadata?: { managedFields?: unknown }; items?: unknown[] };
  if (metadata) delete metadata.managedFields;
  if (Array.isArray(items)) for (const item of items) withoutManagedFields(item);
  return object;
}
