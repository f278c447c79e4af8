import type { TypeNode, UnknownObject } from '#api';
import { applyJsonPatch, applyMergePatch, applyStrategicPatch, PatchError } from '#api';
import { contentTypeOf, maxBodyBytes, parseDocument } from '../content/read-document.ts';
import { badRequest, StatusError, unsupportedMediaType } from '../errors.ts';
import type { Target } from './target.ts';
import type { FieldValidation } from './write-options.ts';

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

/** A patch as it was sent. */
export interface PatchBody {
  readonly type: PatchType;
  readonly value: unknown;
  readonly duplicates: string[];
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
  if (!type) throw unsupportedMediaType(Object.keys(patchTypes));
  const bytes = await request.body(maxBodyBytes);
  return { type, ...parseDocument(target, { bytes, format: type === 'apply' ? 'yaml' : 'json', validation }) };
}

/** The object with the patch applied, as a new object. Not for apply patches. Throws 400 and 422. */
export function applyPatchBody(patch: PatchBody, object: UnknownObject, type: TypeNode | undefined): UnknownObject {
  try {
    return patched(patch, object, type) as UnknownObject;
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    if (error.code === 'invalid') throw badRequest(error.message);
    throw new StatusError({ code: 422, reason: 'Invalid', message: error.message, details: {} });
  }
}

function patched(patch: PatchBody, object: UnknownObject, type: TypeNode | undefined): unknown {
  switch (patch.type) {
    case 'json':
      return applyJsonPatch(object, patch.value);
    case 'merge':
      return applyMergePatch(object, patch.value);
    case 'strategic':
      if (!type) throw new PatchError('invalid', 'strategic merge patch needs a type');
      return applyStrategicPatch(object, patch.value, type);
    default:
      throw badRequest('an apply patch is not possible here');
  }
}
