import type { Readable, Writable } from 'node:stream';
import type { Clock, Log } from '#base';
import type { Handler, Peer, Request, Response } from './http.ts';
import { contentLength, readBody } from './http-body.ts';
import type { SinkLimits } from './http-sink.ts';
import { StreamSink, writePieces } from './http-sink.ts';

/** What one exchange may cost. */
export interface ExchangeLimits extends SinkLimits {
  /** For the head of a request, HTTP/1.1 only. */
  readonly headMs: number;
  /** For the whole body of a request that is read at once. */
  readonly bodyMs: number;
  /** How long the rest of a body that nobody wants is taken in, so that its sender gets to read the answer. */
  readonly lingerMs: number;
}

/** What every connection of one server shares. */
export interface ServerContext {
  readonly handler: Handler;
  readonly log: Log;
  readonly clock: Clock;
  readonly limits: ExchangeLimits;
  /** Signals of the requests under way that someone asked for; aborted when the server stops. */
  readonly open: Set<AbortController>;
  /** Why signals abort: one for all, because the stack of an error costs more than much of a request. */
  readonly peerLeft: Error;
  /** True once the server stops: connections are closed after their answers. */
  stopping: boolean;
}

/** A Node stream of either HTTP version as a Request. What is seldom used (the signal) is made when asked for. */
export class StreamRequest implements Request {
  readonly method: string;
  readonly path: string;
  readonly search: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly rawHeaders: readonly string[] | undefined;
  readonly peer: Peer;
  readonly #readable: Readable;
  readonly #context: ServerContext;
  /** What closes when the peer goes away: the stream itself, or the answer for HTTP/1.1. */
  readonly #life: Readable | Writable;
  #signal: AbortSignal | undefined;

  constructor(parts: {
    method: string;
    target: string;
    headers: Readonly<Record<string, string | undefined>>;
    rawHeaders?: readonly string[] | undefined;
    peer: Peer;
    readable: Readable;
    life: Readable | Writable;
    context: ServerContext;
  }) {
    const { target } = parts;
    const mark = target.indexOf('?');
    this.method = parts.method;
    this.path = mark < 0 ? target : target.slice(0, mark);
    this.search = mark < 0 ? '' : target.slice(mark + 1);
    this.headers = parts.headers;
    this.rawHeaders = parts.rawHeaders;
    this.peer = parts.peer;
    this.#readable = parts.readable;
    this.#life = parts.life;
    this.#context = parts.context;
  }

  get signal(): AbortSignal {
    if (this.#signal) return this.#signal;
    const controller = new AbortController();
    this.#signal = controller.signal;
    const { open, stopping } = this.#context;
    if (this.#life.destroyed || stopping) {
      controller.abort(this.#context.peerLeft);
      return this.#signal;
    }
    open.add(controller);
    this.#life.once('close', () => {
      open.delete(controller);
      controller.abort(this.#context.peerLeft);
    });
    return this.#signal;
  }

  body(limitBytes: number): Promise<Uint8Array> {
    const { clock, limits } = this.#context;
    const lengthBytes = contentLength(this.headers['content-length']);
    return readBody(this.#readable, { limitBytes, lengthBytes, maxMs: limits.bodyMs, clock });
  }

  stream(): AsyncIterable<Uint8Array> {
    return this.#readable;
  }
}

/** Writes a body of any of its forms and ends the stream; cut off when a writer function rejects. */
export function sendBody(stream: Writable, body: Response['body'], context: ServerContext): void {
  if (body === undefined) stream.end();
  else if (body instanceof Uint8Array) stream.end(body);
  else {
    const sink = new StreamSink(stream, context);
    const written = typeof body === 'function' ? body(sink) : writePieces(sink, body);
    written.then(
      () => stream.end(),
      error => {
        if (!stream.destroyed) {
          context.log.debug('an answer was cut off', { error });
          stream.destroy();
        }
      },
    );
  }
}

/** Bytes of a body that is whole; undefined for one that is written piece by piece. */
export function bodyLength(body: Response['body']): number | undefined {
  if (body === undefined) return 0;
  if (typeof body === 'function') return undefined;
  if (body instanceof Uint8Array) return body.length;
  let bytes = 0;
  for (const piece of body) bytes += piece.length;
  return bytes;
}

/** What is answered when a handler broke its promise not to throw. */
export function brokenHandler(context: ServerContext, error: unknown): Response {
  context.log.error('a request handler threw', { error });
  return {
    status: 500,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: Buffer.from('internal error\n'),
  };
}

/** Answers that have no body by definition, whatever is given. */
export function isBodiless(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}
