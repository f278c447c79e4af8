import { ApplyError, cel, type Overlay, PatchError, type Scheme, type TypeNode } from '#api';
import { internalError } from '../../access/refuse.ts';
import type { AdmissionRequest } from '../../admission.ts';
import { copyJsonSteps } from '../../storage/json-steps.ts';
import { breathe, inSteps } from '../steps.ts';
import { aboutOf } from '../webhooks/about.ts';
import { patchSteps, putBack } from '../webhooks/patch.ts';
import type { Versioned } from '../webhooks/review.ts';

/** A mutation that cannot be made: the failure policy says what becomes of the request. */
export class MutationProblem extends Error {
  override readonly name = 'MutationProblem';
}

export interface MutationInput {
  readonly request: AdmissionRequest;
  /** The object in the version that the policy is written for; there is one. */
  readonly versioned: Versioned;
  readonly overlay: Overlay;
  readonly scheme: Scheme;
}

/**
 * Changes the object that is written by what a mutation's expression yielded: the operations of a JSON patch, or an apply configuration. Resolves with whether it
 * differs. Rejects with MutationProblem, or with Status 500 for a patch that takes the object out of its shape. Source: plugin/policy/mutating/patch.
 */
export async function applyMutation(
  value: unknown,
  isJsonPatch: boolean,
  { request, versioned, overlay, scheme }: MutationInput,
): Promise<boolean> {
  await breathe(request);
  const before = (await inSteps(request, copyJsonSteps(versioned.object!))) as Record<string, unknown>;
  const wanted = toJson(value);
  const changed = isJsonPatch
    ? await patch(before, wanted, request)
    : lay(before, wanted, { overlay, type: typeOf(versioned, request, scheme) });
  if (changed === before) return false;
  if (request.operation === 'CONNECT') {
    // Streams go on as they were asked for: their options are not taken back.
    throw internalError('a policy attempted to modify the object, which is not supported for this operation');
  }
  return putBack(changed, { request, versioned, before });
}

function toJson(value: unknown): unknown {
  try {
    return cel.toJson(value);
  } catch (error) {
    if (!(error instanceof cel.CelError)) throw error;
    const what = 'JSONPath valueExpression evaluated to a type that could not marshal to JSON';
    throw new MutationProblem(`${what}: ${error.message}`);
  }
}

/** A test that fails leaves the object as it is. */
async function patch(before: object, operations: unknown, request: AdmissionRequest): Promise<unknown> {
  try {
    return await inSteps(request, patchSteps(before, operations));
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    if (error.message.endsWith('failed: test failed')) return before;
    throw new MutationProblem(`JSONPath: ${error.message}`);
  }
}

interface LayInput {
  readonly overlay: Overlay;
  readonly type: TypeNode;
}

function lay(before: Record<string, unknown>, configuration: unknown, { overlay, type }: LayInput): unknown {
  const { apiVersion, kind } = before;
  try {
    return overlay(before, { ...(configuration as object), apiVersion, kind }, type);
  } catch (error) {
    if (error instanceof ApplyError) throw new MutationProblem(`error applying patch: ${error.message}`);
    throw error;
  }
}

/** Subresources may have a kind of their own. */
function typeOf({ kind }: Versioned, { subresource }: AdmissionRequest, scheme: Scheme): TypeNode {
  const own = subresource ? aboutOf(kind, subresource).kind : undefined;
  const found = own && own.kind !== kind.kind ? scheme.typeOf(own.group, own.version, own.kind) : undefined;
  return found ?? kind.type;
}
