import type { Log } from '#base';
import type { Response } from '#wire';
import { isBodyCutOff, isBodyTooLarge, isBodyTooSlow } from '#wire';
import { jsonHeaders } from '../content/answer.ts';
import { badRequest, bodyTooLarge, internalError, statusOf, timedOut } from '../errors.ts';
import type { Stage } from '../exchange.ts';

/** Turns whatever is thrown further in into a Status. Unknown errors are logged here, once, and their text stays here. */
export function createRecover(log: Log): Stage {
  return async (exchange, next) => {
    try {
      return await next(exchange);
    } catch (error) {
      const response = toResponse(error, { log, path: exchange.info.path });
      exchange.isPanic = response.status === 500 && !statusOf(translate(error));
      return response;
    }
  };
}

/** The answer for something thrown. */
export function toResponse(error: unknown, about: { log: Log; path: string }): Response {
  const status = statusOf(translate(error));
  if (!status) {
    about.log.error('a request failed', { path: about.path, error });
    return toResponse(internalError('see the server log'), about);
  }
  const retryAfter = (status as { details?: { retryAfterSeconds?: number } }).details?.retryAfterSeconds;
  return {
    status: status.code,
    headers: { ...jsonHeaders, ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }) },
    body: Buffer.from(`${JSON.stringify(status)}\n`),
  };
}

/** What the wire and the language throw for what a client did. */
function translate(error: unknown): unknown {
  if (isBodyTooLarge(error)) return bodyTooLarge(error.limitBytes);
  if (isBodyTooSlow(error)) return timedOut();
  if (isBodyCutOff(error)) return badRequest(error.message);
  // Recursion follows the depth of what was sent and of nothing else.
  if (error instanceof RangeError && error.message.includes('call stack')) return badRequest('exceeded max depth');
  return error;
}
