import { badRequest, internalError, StatusError } from '../../access/refuse.ts';

/** A webhook that could not be asked, or gave no verdict: its failurePolicy says what becomes of the request. */
export class HookFailure extends Error {
  override readonly name = 'HookFailure';
  /** The code by which meters count it. */
  readonly code: number;
  constructor(webhook: string, why: string, options: { code: number; cause?: unknown }) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${why}`, { cause: options.cause });
    this.code = options.code;
  }
}

/** A webhook that refused. */
export class HookRejection extends Error {
  override readonly name = 'HookRejection';
  readonly refusal: StatusError;
  constructor(refusal: StatusError) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** 400: a request that is not to change anything meets a webhook that may. */
export function dryRunUnsupported(webhook: string): StatusError {
  return badRequest(`admission webhook "${webhook}" does not support dry run`);
}

/** 504: the request's own time is over, whatever the webhooks' were. */
export function requestTimedOut(): StatusError {
  return new StatusError({
    code: 504,
    reason: 'Timeout',
    message: 'Timeout: request did not complete within requested timeout - context deadline exceeded',
    details: {},
  });
}

/** What the client is told of a request that failed with this error. */
export function toRefusal(error: unknown): unknown {
  if (error instanceof HookFailure) return internalError(error.message);
  return error instanceof HookRejection ? error.refusal : error;
}

type Fields = Readonly<Record<string, unknown>>;

/** The Status of a refusal: the webhook's own, with the head that names it. Source: webhook/errors ToStatusErr. */
export function refusalOf(webhook: string, result: Fields = {}): StatusError {
  const { code, reason, message, details, metadata } = result;
  const head = `admission webhook "${webhook}" denied the request`;
  const why = text(message) || text(reason);
  const refusal = new StatusError({
    // A refusal is no success, whatever the webhook says.
    code: typeof code === 'number' && code >= 400 ? code : 400,
    reason: text(reason),
    message: why ? `${head}: ${why}` : `${head} without explanation`,
    ...(typeof details === 'object' && details ? { details: details as Record<string, unknown> } : {}),
  });
  if (!refusal.status.reason) delete (refusal.status as { reason?: string }).reason;
  if (typeof metadata === 'object' && metadata) refusal.status.metadata = metadata as typeof refusal.status.metadata;
  return refusal;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
