import type { Kind, RawText, TypeNode, UnknownObject } from '#api';
import { apiVersionOf, DecodeError } from '#api';
import { formatOf, maxBodyBytes, parseDocument, summarize } from '../content/read-document.ts';
import { badRequest } from '../errors.ts';
import { breathe, noteSize } from './breathe.ts';
import { checkType, wrongVersion } from './system-fields.ts';
import type { Target } from './target.ts';
import type { FieldValidation } from './write-options.ts';

type WantedKind = Pick<Kind, 'group' | 'version' | 'kind'>;

/** The body of a create or update as an object of the target's kind: parsed, checked against its shape, defaulted. Throws 400, 413, 415. */
export async function readObject(target: Target, validation: FieldValidation): Promise<UnknownObject> {
  const { kind } = target;
  const object = await readBody(target, { validation, type: kind.type, wanted: kind });
  await breathe(target);
  kind.behaviour.defaults?.(object);
  return object;
}

/** The body of a subresource that has a kind of its own: Scale, Eviction, Binding, TokenRequest. */
export async function readSubresourceBody(target: Target, validation: FieldValidation): Promise<UnknownObject> {
  const { core, kind, subresource } = target;
  const wanted = kind.subresources.get(subresource)!.kind;
  const type = core.scheme().typeOf(wanted.group, wanted.version, wanted.kind);
  if (!type) throw new Error(`the scheme has no type of ${wanted.kind}`);
  return readBody(target, { validation, type, wanted });
}

interface Wanted {
  readonly validation: FieldValidation;
  readonly type: TypeNode;
  readonly wanted: WantedKind;
  /** False for what is not a whole object: nothing is put where nothing was said. */
  readonly fill?: boolean;
}

async function readBody(target: Target, options: Wanted): Promise<UnknownObject> {
  const { request } = target.exchange;
  const { validation, wanted } = options;
  const hasProtobuf = target.core.protobuf.knows(apiVersionOf(wanted), wanted.kind);
  const format = formatOf(request, hasProtobuf);
  const bytes = await request.body(maxBodyBytes);
  noteSize(target, bytes.length);
  let document: Awaited<ReturnType<typeof parseDocument>>;
  try {
    document = await parseDocument(target, { bytes, format, validation });
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const subject = `the object provided is unrecognized (must be of type ${wanted.kind})`;
    throw badRequest(`${subject}: ${error.message} (${summarize(bytes)})`);
  }
  await breathe(target);
  return check(target, { ...options, document });
}

/** The body of a delete: options, or undefined when there is none. */
export async function readOptions(target: Target, wanted: WantedKind): Promise<Record<string, unknown> | undefined> {
  const { request } = target.exchange;
  const bytes = await request.body(maxBodyBytes);
  if (bytes.length === 0) return undefined;
  const type = target.core.scheme().typeOf(wanted.group, wanted.version, wanted.kind)!;
  let document: Awaited<ReturnType<typeof parseDocument>>;
  try {
    document = await parseDocument(target, { bytes, format: formatOf(request), validation: 'Ignore' });
  } catch (error) {
    throw error instanceof DecodeError ? badRequest(error.message) : error;
  }
  const { value } = document;
  // Every group has its own DeleteOptions; they are all the same.
  if (value['kind'] === wanted.kind) value['apiVersion'] = apiVersionOf(wanted);
  return check(target, { document, validation: 'Ignore', type, wanted, fill: false });
}

/** What a patch made, as an object of the target's kind, in the API's form, with defaults. Changes the value. Throws DecodeError when it is none. */
export function settlePatched(target: Target, document: RawText, validation: FieldValidation): UnknownObject {
  const { kind } = target;
  const object = checkPatched(target, document, { validation, type: kind.type, wanted: kind });
  kind.behaviour.defaults?.(object);
  return object;
}

/** As settlePatched for any kind, without defaults. */
export function checkPatched(target: Target, document: RawText, options: Wanted): UnknownObject {
  const value = requireObject(document.value);
  checkType(value as unknown as UnknownObject, options.wanted, target.core.scheme());
  return checkShape(target, { ...options, document: { ...document, value } });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function requireObject(value: unknown): Record<string, unknown> {
  if (isObject(value)) return value;
  throw new DecodeError('json: the object must be a JSON object');
}

function check(target: Target, from: Wanted & { document: RawText & { value: Record<string, unknown> } }) {
  const { wanted, document } = from;
  checkType(document.value as unknown as UnknownObject, wanted, target.core.scheme());
  if (document.value['apiVersion'] !== apiVersionOf(wanted)) throw wrongVersion(document.value, wanted);
  try {
    return checkShape(target, from);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const { kind, version } = wanted;
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${error.message}`);
  }
}

/** Throws DecodeError in the words of Go's decoder. */
function checkShape(target: Target, from: Wanted & { document: RawText }): UnknownObject {
  const { document, type, validation, fill = true } = from;
  const { object, warnings } = target.core.decoder.check(document, type, { validation, fill });
  target.exchange.warnings.push(...warnings);
  object['metadata'] ??= {};
  return object as unknown as UnknownObject;
}
