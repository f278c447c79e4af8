import type { FieldError, KubeObject } from '#api';
import { groupResourceOf } from '#api';
import type { Cause, RefusedResource } from './access/refuse.ts';
import { invalid, StatusError } from './access/refuse.ts';

export { badRequest, conflict, forbidden, internalError, invalid, notFound, StatusError } from './access/refuse.ts';

/** What a Status says that the server answers, whoever threw it. Undefined: the error is none of the API's. */
export function statusOf(error: unknown): (KubeObject & { code: number }) | undefined {
  if (!(error instanceof Error) || !('status' in error)) return undefined;
  const { status } = error;
  if (typeof status !== 'object' || status === null || !('kind' in status) || status.kind !== 'Status')
    return undefined;
  return status as unknown as KubeObject & { code: number };
}

/** 404 for a path that leads nowhere, or a resource that is not served. Upstream's generic text. */
export function pathNotFound(): StatusError {
  return new StatusError({
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: {},
  });
}

/** 405 for a path that exists, but not with this method. Upstream's generic text. */
export function methodNotAllowed(): StatusError {
  return new StatusError({
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
    details: {},
  });
}

/** 405 of a create while the definition of its kind is being deleted. */
export function terminatingDefinition(verb: string): StatusError {
  return new StatusError({
    code: 405,
    reason: 'MethodNotAllowed',
    message: `${verb} not allowed while custom resource definition is terminating`,
    details: {},
  });
}

export function alreadyExists(about: RefusedResource, name: string): StatusError {
  return new StatusError({
    code: 409,
    reason: 'AlreadyExists',
    message: `${groupResourceOf(about)} "${name}" already exists`,
    details: { name, ...(about.group ? { group: about.group } : {}), kind: about.resource },
  });
}

/** 409 of a generated name that is taken: the client may try again. */
export function generateNameConflict(about: RefusedResource, name: string): StatusError {
  return new StatusError({
    code: 409,
    reason: 'AlreadyExists',
    message: `${groupResourceOf(about)} "${name}" already exists, the server was not able to generate a unique name for the object`,
    details: { name, ...(about.group ? { group: about.group } : {}), kind: about.resource, retryAfterSeconds: 1 },
  });
}

/** 409 of an update of an object that has changed since it was read. */
export function modified(about: RefusedResource, name: string): StatusError {
  return new StatusError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${groupResourceOf(about)} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    details: { name, ...(about.group ? { group: about.group } : {}), kind: about.resource },
  });
}

/** 410: the resourceVersion, or the continue token, is older than what is remembered. */
export function expired(message: string): StatusError {
  return new StatusError({ code: 410, reason: 'Expired', message });
}

/** 410 of a watch that starts too far in the past. */
export function tooOldResourceVersion(asked: number, oldest: number): StatusError {
  return expired(`too old resource version: ${asked} (${oldest})`);
}

/** 504 of a read that asks for a future state. */
export function tooLargeResourceVersion(asked: number, current: number): StatusError {
  const cause: Cause = { reason: 'ResourceVersionTooLarge', message: 'Too large resource version' };
  return new StatusError({
    code: 504,
    reason: 'Timeout',
    message: `Timeout: Too large resource version: ${asked}, current: ${current}`,
    details: { retryAfterSeconds: 1, causes: [cause] },
  });
}

export function notAcceptable(supported: readonly string[]): StatusError {
  return new StatusError({
    code: 406,
    reason: 'NotAcceptable',
    message: `only the following media types are accepted: ${supported.join(', ')}`,
  });
}

export function unsupportedMediaType(supported: readonly string[]): StatusError {
  return new StatusError({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: `the body of the request was in an unknown format - accepted media types include: ${supported.join(', ')}`,
  });
}

/** 413 as the body limit words it. */
export function bodyTooLarge(limitBytes: number): StatusError {
  return entityTooLarge(`limit is ${limitBytes}`);
}

/** 413. */
export function entityTooLarge(why: string): StatusError {
  return new StatusError({
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: `Request entity too large: ${why}`,
  });
}

/** 504 of a request that took too long, for whatever reason. */
export function timedOut(): StatusError {
  return new StatusError({
    code: 504,
    reason: 'Timeout',
    message: 'Timeout: request did not complete within the allotted timeout',
    details: {},
  });
}

/** 422 of a patch that does not fit its object: upstream's text, which tells nothing, and the reason as a cause. */
export function unprocessable(why: string): StatusError {
  return new StatusError({
    code: 422,
    reason: 'Invalid',
    message: 'the server rejected our request due to an error in our request',
    details: { causes: [{ message: why }] },
  });
}

/** Longer patches are not repeated in the answer. */
const maxShownLength = 4096;

/** 422 of a patch whose result is no object of the kind. */
export function invalidPatch(patch: unknown, why: string): StatusError {
  const text = JSON.stringify(patch);
  const shown = text.length > maxShownLength ? `${text.slice(0, maxShownLength)} ...` : text;
  const message = `Invalid value: ${JSON.stringify(shown)}: ${why}`;
  return new StatusError({
    code: 422,
    reason: 'Invalid',
    message: ` "" is invalid: patch: ${message}`,
    details: { causes: [{ reason: 'FieldValueInvalid', message, field: 'patch' }] },
  });
}

export function tooManyRequests(message: string, retryAfterSeconds?: number): StatusError {
  const details = retryAfterSeconds === undefined ? undefined : { retryAfterSeconds };
  return new StatusError({ code: 429, reason: 'TooManyRequests', message, details });
}

/** 422 of an object's fields. */
export function invalidFields(
  about: { group: string; kind: string },
  name: string | undefined,
  errors: readonly FieldError[],
): StatusError {
  return invalid(about, name ?? '', errors);
}

/** 422 of query options: `ListOptions.meta.k8s.io "" is invalid: ...`. */
export function invalidOptions(kind: string, errors: readonly FieldError[]): StatusError {
  return invalid({ group: 'meta.k8s.io', kind }, '', errors);
}
