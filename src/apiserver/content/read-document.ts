import { isUtf8 } from 'node:buffer';
import type { RawText } from '#api';
import { DecodeError } from '#api';
import type { Request } from '#wire';
import { ProtobufError } from '#wire';
import { unsupportedMediaType } from '../errors.ts';
import { isLarge, parseLarge } from '../verbs/breathe.ts';
import type { Target } from '../verbs/target.ts';
import type { FieldValidation } from '../verbs/write-options.ts';
import type { ParseOptions } from './parse-text.ts';
import { parseText } from './parse-text.ts';

/** Upstream's limit of a request body. */
export const maxBodyBytes = 3 * 1024 * 1024;

export type DocumentFormat = 'json' | 'yaml' | 'protobuf';

const formats: Readonly<Record<string, DocumentFormat>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/vnd.kubernetes.protobuf': 'protobuf',
};

/** `application/json; charset=utf-8` without its parameters, in lower case; JSON when nothing is said. */
export function contentTypeOf(request: Request): string {
  const header = request.headers['content-type'];
  return header ? header.split(';', 1)[0]!.trim().toLowerCase() : 'application/json';
}

/** How the body of an object is written. `protobuf` is false for kinds that have no such form. Throws 415. */
export function formatOf(request: Request, protobuf = true): DocumentFormat {
  const format = formats[contentTypeOf(request)];
  if (format && (protobuf || format !== 'protobuf')) return format;
  throw unsupportedMediaType(Object.keys(formats).filter(type => protobuf || formats[type] !== 'protobuf'));
}

/** Bytes to a plain value; nothing at all stands for an object that says nothing. Rejects with DecodeError, in the words of Go's decoders. */
export async function parseDocument(
  target: Target,
  from: { bytes: Uint8Array; format: DocumentFormat; validation: FieldValidation },
): Promise<RawText & { value: Record<string, unknown> }> {
  const { bytes, format, validation } = from;
  if (format === 'protobuf') {
    const value = isLarge(target) ? await readLargeProtobuf(target, bytes) : readProtobuf(target.core, bytes);
    return { value, duplicates: [] };
  }
  if (format === 'yaml' && !isUtf8(bytes)) {
    throw new DecodeError('error converting YAML to JSON: yaml: invalid leading UTF-8 octet');
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  const { value, duplicates } = await readText(target, text, { format, validation });
  return { value: asObject(value), duplicates };
}

async function readText(target: Target, text: string, options: ParseOptions): Promise<RawText> {
  const { format } = options;
  try {
    return await parseText(target, text, options);
  } catch (cause) {
    if (!(cause instanceof DecodeError) || format === 'yaml') throw cause;
    throw new DecodeError(`${noKind}: ${cause.message}`, { cause });
  }
}

function readProtobuf({ protobuf }: Target['core'], bytes: Uint8Array): Record<string, unknown> {
  try {
    return protobuf.decode(bytes);
  } catch (cause) {
    throw cause instanceof ProtobufError ? new DecodeError(cause.message, { cause }) : cause;
  }
}

/** In a worker thread. */
async function readLargeProtobuf(target: Target, bytes: Uint8Array): Promise<Record<string, unknown>> {
  const { core, exchange } = target;
  const { json } = await core.threads.run('readProtobuf', { bytes: new Uint8Array(bytes) }, exchange.user.name);
  return (await parseLarge(target, json)) as Record<string, unknown>;
}

const noKind = "couldn't get version/kind; json parse error";
const header =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

/** Only objects have a kind; null is one that says nothing (as Go reads it). */
function asObject(value: unknown): Record<string, unknown> {
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    const name = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    throw new DecodeError(`${noKind}: json: cannot unmarshal ${name} into Go value of type ${header}`);
  }
  const object = value as Record<string, unknown>;
  for (const [field, member] of [
    ['apiVersion', object['apiVersion']],
    ['kind', object['kind']],
  ] as const) {
    if (member === undefined || member === null || typeof member === 'string') continue;
    const name = Array.isArray(member) ? 'array' : typeof member === 'boolean' ? 'bool' : typeof member;
    throw new DecodeError(`${noKind}: json: cannot unmarshal ${name} into Go struct field .${field} of type string`);
  }
  return object;
}

/** The beginning of a body that nobody understands, for its sender to recognize it. As upstream's summarizeData. */
export function summarize(bytes: Uint8Array): string {
  if (bytes.length === 0) return '<empty>';
  const start = Buffer.from(bytes.subarray(0, summaryBytes));
  const shown = start[0] === 0x7b ? start.toString() : start.toString('hex');
  return bytes.length > summaryBytes ? `${shown} ...` : shown;
}

const summaryBytes = 30;
