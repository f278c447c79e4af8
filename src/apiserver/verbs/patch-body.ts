import type { RawText, TypeNode, UnknownObject } from '#api';
import { apiVersionOf, applyStrategicPatch, DecodeError, jsonPatchSteps, mergePatchInto, PatchError } from '#api';
import type { Turn } from '#base';
import { inTurns } from '#base';
import { isLongYaml, parseText } from '../content/parse-text.ts';
import { contentTypeOf, maxBodyBytes } from '../content/read-document.ts';
import { badRequest, entityTooLarge, invalidPatch, unprocessable, unsupportedMediaType } from '../errors.ts';
import { noteSize } from './breathe.ts';
import type { Target } from './target.ts';
import type { FieldValidation } from './write-options.ts';

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

/** A patch as it was sent. That of an apply is parsed when it is looked at. Reading it throws 400. */
export interface PatchBody extends RawText {
  readonly type: PatchType;
  readonly text: string;
}

const patchTypes: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

/** Reads the body of a PATCH by its Content-Type. Throws 400, 413, 415. */
export async function readPatch(target: Target, validation: FieldValidation): Promise<PatchBody> {
  const { request } = target.exchange;
  const type = patchTypes[contentTypeOf(request)];
  const refused = unsupported(target);
  if (!type || type === refused) {
    throw unsupportedMediaType(Object.keys(patchTypes).filter(name => patchTypes[name] !== refused));
  }
  const bytes = await request.body(maxBodyBytes);
  noteSize(target, bytes.length);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  const format = type === 'apply' ? 'yaml' : 'json';
  if (type !== 'apply' || isLongYaml(text, format)) {
    return {
      type,
      text,
      ...(await parsePatch(type, () => parseText(target, text, { format, validation }))),
    };
  }
  let parsed: RawText | undefined;
  const lazily = () => {
    parsed ??= readPatchText(type, () => target.core.decoder.parse(text, format, validation));
    return parsed;
  };
  return {
    type,
    text,
    get value() {
      return lazily().value;
    },
    get duplicates() {
      return lazily().duplicates;
    },
  };
}

/** Custom kinds, which are those without a protobuf form, have no strategies of merging. */
function unsupported({ core, kind, subresource }: Target): PatchType | undefined {
  const isBuiltIn = subresource === 'scale' || core.protobuf.knows(apiVersionOf(kind), kind.kind);
  return isBuiltIn ? undefined : 'strategic';
}

async function parsePatch(type: PatchType, parse: () => Promise<RawText>): Promise<RawText> {
  try {
    return await parse();
  } catch (error) {
    throw refusalOfText(type, error);
  }
}

function readPatchText(type: PatchType, parse: () => RawText): RawText {
  try {
    return parse();
  } catch (error) {
    throw refusalOfText(type, error);
  }
}

function refusalOfText(type: PatchType, error: unknown): unknown {
  if (!(error instanceof DecodeError)) return error;
  return badRequest(type === 'apply' ? `error decoding YAML: ${error.message}` : error.message);
}

/**
 * The object, which is used up, with the patch applied, made an object of its kind again by `settle`. Not for apply patches. Throws 400, 413 and 422; what `settle` refuses with a
 * DecodeError is 422, as upstream: the patch can be read, but not what comes of it.
 */
export async function applyPatchBody(
  patch: PatchBody,
  object: UnknownObject,
  settle: { type: TypeNode | undefined; turn: Turn; check(document: RawText): UnknownObject },
): Promise<UnknownObject> {
  try {
    const value = await patched(patch, object, settle);
    if (settle.turn.isOver()) await settle.turn.next();
    return settle.check({ value, duplicates: patch.duplicates });
  } catch (error) {
    if (error instanceof DecodeError) throw invalidPatch(patch.value, error.message);
    throw error instanceof PatchError ? refusalOf(error) : error;
  }
}

function refusalOf({ code, message }: PatchError) {
  if (code === 'invalid') return badRequest(message);
  return code === 'too-large' ? entityTooLarge(message) : unprocessable(message);
}

function patched(
  patch: PatchBody,
  object: UnknownObject,
  { type, turn }: { type: TypeNode | undefined; turn: Turn },
): unknown {
  switch (patch.type) {
    case 'json':
      return inTurns(turn, jsonPatchSteps(object, patch.value, true));
    case 'merge':
      if (typeof patch.value !== 'object' || patch.value === null) throw badRequest('Invalid JSON Patch');
      return mergePatchInto(object, patch.value);
    case 'strategic':
      if (!type) throw new PatchError('invalid', 'strategic merge patch needs a type');
      return applyStrategicPatch(object, patch.value, type);
    default:
      throw badRequest('an apply patch is not possible here');
  }
}
