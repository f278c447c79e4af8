import type { Kind, TypeNode, UnknownObject } from '#api';
import { apiVersionOf, DecodeError } from '#api';
import type { RawDocument } from '../content/read-document.ts';
import { readDocument } from '../content/read-document.ts';
import { badRequest } from '../errors.ts';
import { checkType } from './system-fields.ts';
import type { Target } from './target.ts';
import type { FieldValidation } from './write-options.ts';

/** The body of a create or update as an object of the target's kind: parsed, checked against its shape, defaulted. Throws 400, 413, 415. */
export async function readObject(target: Target, validation: FieldValidation): Promise<UnknownObject> {
  const document = await readDocument(target, validation);
  return settleObject(target, { document: withObject(document), validation });
}

/** The body of a subresource that has a kind of its own: Scale, Eviction, Binding, TokenRequest. */
export async function readSubresourceBody(target: Target, validation: FieldValidation): Promise<UnknownObject> {
  const { core, kind, subresource } = target;
  const wanted = kind.subresources.get(subresource)!.kind;
  const type = core.scheme().typeOf(wanted.group, wanted.version, wanted.kind);
  if (!type) throw new Error(`the scheme has no type of ${wanted.kind}`);
  const document = withObject(await readDocument(target, validation));
  return check(target, { document, validation, type, wanted });
}

/** The body of a delete: options, or undefined when there is none. */
export async function readOptions(
  target: Target,
  wanted: { group: string; version: string; kind: string },
): Promise<Record<string, unknown> | undefined> {
  const document = await readDocument(target, 'Ignore');
  if (document === undefined) return undefined;
  const type = target.core.scheme().typeOf(wanted.group, wanted.version, wanted.kind)!;
  const value = withObject(document).value as UnknownObject;
  // Every group has its own DeleteOptions; they are all the same.
  if (value.kind === wanted.kind) value.apiVersion = apiVersionOf(wanted);
  return check(target, { document, validation: 'Ignore', type, wanted });
}

/** A parsed value as an object of the target's kind, without defaults: an apply configuration says only what it says. */
export function checkDocument(
  target: Target,
  from: { document: RawDocument; validation: FieldValidation },
): UnknownObject {
  const { kind } = target;
  return check(target, { ...from, document: withObject(from.document), type: kind.type, wanted: kind });
}

/** A parsed value as an object of the target's kind, in the API's form, with defaults. For bodies and for what patches make. Changes the value. */
export function settleObject(
  target: Target,
  from: { document: RawDocument; validation: FieldValidation },
): UnknownObject {
  const { kind } = target;
  const object = check(target, { ...from, type: kind.type, wanted: kind });
  kind.behaviour.defaults?.(object);
  return object;
}

function check(
  target: Target,
  from: {
    document: RawDocument;
    validation: FieldValidation;
    type: TypeNode;
    wanted: Pick<Kind, 'group' | 'version' | 'kind'>;
  },
): UnknownObject {
  const { document, validation, type, wanted } = from;
  checkType(document.value as UnknownObject, wanted);
  try {
    const what = { kind: wanted.kind, version: wanted.version };
    const { object, warnings } = target.core.decoder.check(document, type, { what, validation });
    target.exchange.warnings.push(...warnings);
    object['metadata'] ??= {};
    return object as unknown as UnknownObject;
  } catch (error) {
    throw error instanceof DecodeError ? badRequest(error.message) : error;
  }
}

function withObject(document: RawDocument | undefined): RawDocument {
  const value = document?.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest(`couldn't get version/kind; json parse error: the body must be an object`);
  }
  return document!;
}
