import { randomBytes, randomFillSync, randomUUID } from 'node:crypto';

/** Chance as a value that is passed, so that tests can fix it. */
export interface Random {
  /** A version 4 UUID. */
  uuid(): string;
  /** `length` characters of the alphabet that upstream uses for generated names (no vowels, no look-alikes). */
  suffix(length: number): string;
  /** A number in [0, 1). */
  next(): number;
  /** `length` bytes, fit for keys. */
  bytes(length: number): Uint8Array;
}

const nameAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** For names: asked of the machine in one go, because each asking takes longer than all else about a name. */
const poolBytes = 512;

/** The machine's random source. */
export function createRandom(): Random {
  const pool = new Uint8Array(poolBytes);
  let used = poolBytes;
  const nextByte = () => {
    if (used === poolBytes) {
      randomFillSync(pool);
      used = 0;
    }
    return pool[used++]!;
  };
  const suffix = (length: number) => {
    let text = '';
    for (let at = 0; at < length; at++) text += nameAlphabet[nextByte() % nameAlphabet.length];
    return text;
  };
  return {
    uuid: () => randomUUID(),
    suffix,
    next: () => randomBytes(4).readUInt32BE() / 2 ** 32,
    bytes: length => randomBytes(length),
  };
}
