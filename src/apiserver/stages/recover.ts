import type { Log } from '#base';
import type { ProtobufCodec, Response } from '#wire';
import { isBodyCutOff, isBodyTooLarge, isBodyTooSlow } from '#wire';
import { jsonHeaders } from '../content/answer.ts';
import type { Media } from '../content/negotiate.ts';
import { mediaTypes, negotiate, objectOffer } from '../content/negotiate.ts';
import { yamlText } from '../content/yaml-text.ts';
import { badRequest, bodyTooLarge, internalError, statusOf, timedOut } from '../errors.ts';
import type { Stage } from '../exchange.ts';

/** Turns whatever is thrown further in into a Status. Unknown errors are logged here, once, and their text stays here. */
export function createRecover(log: Log, protobuf: ProtobufCodec): Stage {
  return async (exchange, next) => {
    try {
      return await next(exchange);
    } catch (error) {
      const { accept } = exchange.request.headers;
      const response = toResponse(error, { log, path: exchange.info.path, accept, protobuf });
      exchange.isPanic = response.status === 500 && !statusOf(translate(error));
      return response;
    }
  };
}

interface About {
  readonly log: Log;
  readonly path: string;
  /** How the client wants its answers; JSON when nothing is said or it can be in no such form. */
  readonly accept?: string | undefined;
  readonly protobuf?: ProtobufCodec | undefined;
}

/** The answer for something thrown. */
export function toResponse(error: unknown, about: About): Response {
  const status = statusOf(translate(error));
  if (!status) {
    about.log.error('a request failed', { path: about.path, error });
    return toResponse(internalError('see the server log'), about);
  }
  const retryAfter = (status as { details?: { retryAfterSeconds?: number } }).details?.retryAfterSeconds;
  const media = mediaOf(about);
  return {
    status: status.code,
    headers: {
      ...jsonHeaders,
      'content-type': mediaTypes[media],
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    },
    body: encodeStatus(status, media, about),
  };
}

function encodeStatus(status: object, media: Media, { protobuf }: About): Buffer {
  if (media === 'protobuf' && protobuf) return protobuf.encode(status);
  return Buffer.from(media === 'yaml' ? yamlText(status) : `${JSON.stringify(status)}\n`);
}

function mediaOf({ accept, protobuf }: About): Media {
  if (accept === undefined || !protobuf) return 'json';
  try {
    return negotiate(accept, objectOffer).media;
  } catch {
    // A client that takes nothing of ours gets JSON, as upstream.
    return 'json';
  }
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
