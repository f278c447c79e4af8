import { DecodeError, jsonPatchSteps, PatchError, parseJsonSteps, type UnknownObject } from '#api';
import type { Steps } from '#base';
import { internalError } from '../../access/refuse.ts';
import type { AdmissionRequest } from '../../admission.ts';
import { copyJsonSteps, isSameJsonSteps } from '../../storage/json-steps.ts';
import { breathe, inSteps } from '../steps.ts';
import { HookFailure } from './failure.ts';
import type { Verdict, Versioned } from './review.ts';

/**
 * Applies a webhook's patch to the object that is written, in the version in which the webhook saw it: the result has to have the kind's shape, and gets its
 * defaults. Resolves with the patch when it changed something. Throws HookFailure for what is no patch, Status 500 for one that does not fit.
 */
export async function applyVerdict(
  { patch, patchType }: Verdict,
  about: { name: string; request: AdmissionRequest; versioned: Versioned },
): Promise<{ patch: unknown[]; isChanged: boolean } | undefined> {
  if (patch === undefined) return undefined;
  const { name, request, versioned } = about;
  const operations = await parsePatch(name, patch, request);
  if (operations.length === 0) return undefined;
  // Streams go on as they were asked for: their options are not taken back.
  if (!versioned.object || !request.object || request.operation === 'CONNECT') {
    throw internalError(
      `admission webhook "${name}" attempted to modify the object, which is not supported for this operation`,
    );
  }
  if (patchType !== 'JSONPatch') {
    throw new HookFailure(name, `unsupported patch type ${JSON.stringify(patchType)}`, { code: 400 });
  }
  const before = await inSteps(request, copyJsonSteps(versioned.object));
  const changed = await patched(before, operations, request);
  const isChanged = await putBack(changed, { request, versioned, before });
  return { patch: operations, isChanged };
}

/**
 * Makes a changed object, in the version of `versioned`, the content of the one that is written, with its shape checked and its defaults filled in; resolves with
 * whether it differs from `before`. Throws Status 500 for a wrong shape.
 */
export async function putBack(
  value: unknown,
  about: { request: AdmissionRequest; versioned: Versioned; before: unknown },
): Promise<boolean> {
  const { request, versioned, before } = about;
  await breathe(request);
  const settled = settle(value, request, versioned);
  await breathe(request);
  if (await inSteps(request, isSameJsonSteps(settled, before))) return false;
  const back = versioned.object === request.object ? settled : await request.codec?.convert(settled, request.kind);
  replaceContent(request.object!, back ?? settled);
  return true;
}

async function parsePatch(name: string, text: string, request: AdmissionRequest): Promise<unknown[]> {
  let why: string;
  try {
    const operations: unknown = await inSteps(request, parseJsonSteps(text));
    if (Array.isArray(operations)) return operations;
    if (operations === null) return [];
    why = 'json: cannot unmarshal the value into Go value of type jsonpatch.Patch';
  } catch (error) {
    why = (error as Error).message;
  }
  throw new HookFailure(name, `received undecodable patch in webhook response: ${why}`, { code: 503 });
}

/** A JSON patch that leaves the object as it is and gives a new one. Throws PatchError. */
export function* patchSteps(object: object, operations: unknown): Steps<unknown> {
  return yield* jsonPatchSteps(yield* copyJsonSteps(object), operations, true);
}

async function patched(
  object: UnknownObject,
  operations: readonly unknown[],
  request: AdmissionRequest,
): Promise<unknown> {
  try {
    return await inSteps(request, patchSteps(object, operations));
  } catch (error) {
    throw error instanceof PatchError ? internalError(error.message) : error;
  }
}

function settle(value: unknown, { codec, subresource }: AdmissionRequest, { kind }: Versioned): UnknownObject {
  if (!codec) return value as UnknownObject;
  try {
    return codec.settle(value, kind, subresource);
  } catch (error) {
    throw error instanceof DecodeError ? internalError(error.message) : error;
  }
}

/** The caller keeps the object that it gave: its content changes. */
function replaceContent(object: UnknownObject, content: UnknownObject): void {
  for (const key of Object.keys(object)) if (!(key in content)) delete object[key];
  Object.assign(object, content);
}
