import type { Readable } from 'node:stream';
import type { Clock } from '#base';

/** A request body that is longer than the reader allows. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
  readonly limitBytes: number;
  constructor(limitBytes: number) {
    super(`the body is larger than ${limitBytes} bytes`);
    this.limitBytes = limitBytes;
  }
}

/** The peer went away before its body was complete. */
export class BodyCutOff extends Error {
  override readonly name = 'BodyCutOff';
}

/** The peer sends its body so slowly that nobody waits for it any longer. */
export class BodyTooSlow extends Error {
  override readonly name = 'BodyTooSlow';
}

export function isBodyTooLarge(error: unknown): error is BodyTooLarge {
  return error instanceof Error && error.name === 'BodyTooLarge';
}

export function isBodyTooSlow(error: unknown): error is BodyTooSlow {
  return error instanceof Error && error.name === 'BodyTooSlow';
}

export function isBodyCutOff(error: unknown): error is BodyCutOff {
  return error instanceof Error && error.name === 'BodyCutOff';
}

export interface BodyLimits {
  readonly limitBytes: number;
  /** What the peer says that it will send. */
  readonly lengthBytes: number | undefined;
  /** For the whole body. */
  readonly maxMs: number;
  readonly clock: Clock;
}

/**
 * Reads a stream to its end, holding at most `limitBytes`. Rejects with BodyTooLarge as soon as more arrives (the rest is thrown away unread), with BodyTooSlow
 * after `maxMs`, with BodyCutOff when the peer leaves early.
 */
export function readBody(stream: Readable, limits: BodyLimits): Promise<Uint8Array> {
  const { limitBytes, lengthBytes, maxMs, clock } = limits;
  if (lengthBytes !== undefined && lengthBytes > limitBytes) {
    stream.resume();
    return Promise.reject(new BodyTooLarge(limitBytes));
  }
  if (stream.readableEnded || stream.destroyed) return Promise.resolve(new Uint8Array());
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    let settled = false;
    const fail = (error: Error) => {
      if (settled) return;
      settled = true;
      chunks.length = 0;
      timer?.[Symbol.dispose]();
      reject(error);
    };
    const slow = () => fail(new BodyTooSlow(`the body was not complete after ${maxMs} ms`));
    // Most bodies have come with their head: those need no timer.
    let timer: Disposable | undefined;
    setImmediate(() => {
      if (!settled) timer = clock.timer(maxMs, slow, { unref: true });
    });
    stream.on('data', (chunk: Uint8Array) => {
      if (settled) return;
      bytes += chunk.length;
      if (bytes > limitBytes) fail(new BodyTooLarge(limitBytes));
      else chunks.push(chunk);
    });
    stream.once('end', () => {
      if (settled) return;
      settled = true;
      timer?.[Symbol.dispose]();
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes));
    });
    stream.once('close', () => {
      if (!settled) fail(new BodyCutOff('the peer left before its body was complete'));
    });
  });
}

/** The Content-Length header as a number; undefined when absent or no number. */
export function contentLength(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const length = Number(header);
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}
