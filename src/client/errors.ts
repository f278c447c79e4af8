import type { Status } from '#api';

/** The server answered with a Status: it was reached, and it said no. `status` is its answer in full. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: Status;
  /** HTTP status code. */
  readonly code: number;
  /** `NotFound`, `AlreadyExists`, ...; empty when the server gave none. */
  readonly reason: string;

  constructor(status: Status, options?: { cause?: unknown }) {
    super(status.message ?? `the server answered ${status.code ?? 'with a failure'}`, options);
    this.status = status;
    this.code = status.code ?? 500;
    this.reason = status.reason ?? '';
  }
}

export type ClientErrorCode =
  /** No answer came: no connection, cut off, or timed out. Nothing is known about whether the request was carried out. */
  | 'unreachable'
  /** An answer came that is no Kubernetes API answer. */
  | 'malformed'
  /** The request could not even be made: bad configuration. */
  | 'configuration';

/** Something went wrong on the way to the server or back. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: ClientErrorCode;

  constructor(code: ClientErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

const hasReason = (error: unknown, reason: string, code?: number) =>
  error instanceof ApiError && (error.reason === reason || (error.reason === '' && error.code === code));

/** The object (or the whole resource) does not exist. */
export const isNotFound = (error: unknown): boolean => hasReason(error, 'NotFound', 404);
/** Somebody else changed the object: read it again and repeat. Not said of isAlreadyExists, though both are 409. */
export const isConflict = (error: unknown): boolean => hasReason(error, 'Conflict', 409);
export const isAlreadyExists = (error: unknown): boolean => hasReason(error, 'AlreadyExists');
/** The resourceVersion or continue token is too old: list again. Upstream uses both reasons. */
export const isExpired = (error: unknown): boolean => hasReason(error, 'Expired', 410) || hasReason(error, 'Gone', 410);
export const isForbidden = (error: unknown): boolean => hasReason(error, 'Forbidden', 403);
export const isUnauthorized = (error: unknown): boolean => hasReason(error, 'Unauthorized', 401);
export const isInvalid = (error: unknown): boolean => hasReason(error, 'Invalid', 422);
export const isTooManyRequests = (error: unknown): boolean => hasReason(error, 'TooManyRequests', 429);
export const isMethodNotSupported = (error: unknown): boolean => hasReason(error, 'MethodNotAllowed', 405);
/** No answer came, so whether the request was carried out is not known. */
export const isUnreachable = (error: unknown): boolean => error instanceof ClientError && error.code === 'unreachable';
/** A create was refused because its namespace is going away: nothing to retry. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  isForbidden(error) &&
  (error as ApiError).status.details?.causes?.some(cause => cause.reason === 'NamespaceTerminating') === true;

/** How long the server asked to wait before a repeat, in milliseconds; undefined when it said nothing. */
export function retryAfterMs(error: unknown): number | undefined {
  const seconds = error instanceof ApiError ? error.status.details?.retryAfterSeconds : undefined;
  return seconds ? seconds * 1000 : undefined;
}
