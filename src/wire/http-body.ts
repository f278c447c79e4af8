import type { Readable } from 'node:stream';

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

export function isBodyTooLarge(error: unknown): error is BodyTooLarge {
  return error instanceof Error && error.name === 'BodyTooLarge';
}

/**
 * Reads a stream to its end, holding at most `limitBytes`. Rejects with BodyTooLarge as soon as more arrives (the rest is thrown away unread),
 * with BodyCutOff when the peer leaves early.
 */
export function readBody(
  stream: Readable,
  options: { limitBytes: number; lengthBytes: number | undefined },
): Promise<Uint8Array> {
  const { limitBytes, lengthBytes } = options;
  if (lengthBytes !== undefined && lengthBytes > limitBytes) {
    stream.resume();
    return Promise.reject(new BodyTooLarge(limitBytes));
  }
  if (stream.readableEnded || stream.destroyed) return Promise.resolve(new Uint8Array());
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    let settled = false;
    stream.on('data', (chunk: Uint8Array) => {
      if (settled) return;
      bytes += chunk.length;
      if (bytes > limitBytes) {
        settled = true;
        chunks.length = 0;
        reject(new BodyTooLarge(limitBytes));
        return;
      }
      chunks.push(chunk);
    });
    stream.once('end', () => {
      settled = true;
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes));
    });
    stream.once('close', () => settled || reject(new BodyCutOff('the peer left before its body was complete')));
  });
}

/** The Content-Length header as a number; undefined when absent or no number. */
export function contentLength(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const length = Number(header);
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}
