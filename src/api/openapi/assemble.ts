import { createHash } from 'node:crypto';
import type { Steps } from '#base';

export interface Document {
  readonly bytes: Buffer;
  /** SHA-512 of the bytes in hex, upper case, as upstream's hash and ETag. */
  readonly hash: string;
}

/** Bytes that are copied and hashed at a time: half a millisecond. */
const stepBytes = 256 * 1024;

/** Puts pieces together and hashes them. */
export function* assemble(pieces: readonly Uint8Array[]): Steps<Document> {
  const bytes = Buffer.allocUnsafeSlow(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  let since = 0;
  for (const piece of pieces) {
    for (let start = 0; start < piece.length; start += stepBytes) {
      const part = piece.subarray(start, start + stepBytes);
      bytes.set(part, at);
      at += part.length;
      since += part.length;
      if (since < stepBytes) continue;
      since = 0;
      yield;
    }
  }
  return { bytes, hash: yield* hashSteps(bytes) };
}

/** A document of bytes that stand already. */
export function* toDocument(bytes: Buffer): Steps<Document> {
  return { bytes, hash: yield* hashSteps(bytes) };
}

function* hashSteps(bytes: Buffer): Steps<string> {
  const hash = createHash('sha512');
  for (let start = 0; start < bytes.length; start += stepBytes) {
    hash.update(bytes.subarray(start, start + stepBytes));
    yield;
  }
  return hash.digest('hex').toUpperCase();
}
