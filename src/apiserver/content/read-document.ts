import { DecodeError } from '#api';
import type { Request } from '#wire';
import { ProtobufError } from '#wire';
import { badRequest, unsupportedMediaType } from '../errors.ts';
import type { Target } from '../verbs/target.ts';
import type { FieldValidation } from '../verbs/write-options.ts';

/** Upstream's limit of a request body. */
export const maxBodyBytes = 3 * 1024 * 1024;

const formats: Readonly<Record<string, 'json' | 'yaml' | 'protobuf'>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/vnd.kubernetes.protobuf': 'protobuf',
};

/** A parsed body, and what stood in it twice. */
export interface RawDocument {
  value: unknown;
  duplicates: string[];
}

/** `application/json; charset=utf-8` without its parameters, in lower case; JSON when nothing is said. */
export function contentTypeOf(request: Request): string {
  const header = request.headers['content-type'];
  return header ? header.split(';', 1)[0]!.trim().toLowerCase() : 'application/json';
}

/** The body as JSON or YAML; undefined when it is empty. Throws 400, 413, 415. */
export async function readDocument(target: Target, validation: FieldValidation): Promise<RawDocument | undefined> {
  const { request } = target.exchange;
  const format = formats[contentTypeOf(request)];
  const bytes = await request.body(maxBodyBytes);
  if (bytes.length === 0) return undefined;
  if (!format) throw unsupportedMediaType(Object.keys(formats));
  if (format === 'protobuf') return readProtobuf(target, bytes);
  return parseDocument(target, { bytes, format, validation });
}

function readProtobuf({ core }: Target, bytes: Uint8Array): RawDocument {
  try {
    return { value: core.protobuf.decode(bytes), duplicates: [] };
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    throw badRequest(error.message);
  }
}

/** Throws 400. */
export function parseDocument(
  { core }: Target,
  from: { bytes: Uint8Array; format: 'json' | 'yaml'; validation: FieldValidation },
): RawDocument {
  const { bytes, format, validation } = from;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  try {
    return core.decoder.parse(text, format, validation);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw badRequest(`couldn't get version/kind; json parse error: ${error.message}`);
  }
}
