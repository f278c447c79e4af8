import { randomBytes, randomUUID } from 'node:crypto';

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

/** The machine's random source. */
export function createRandom(): Random {
  return {
    uuid: () => randomUUID(),
    suffix: length => Array.from(randomBytes(length), byte => nameAlphabet[byte % nameAlphabet.length]).join(''),
    next: () => randomBytes(4).readUInt32BE() / 2 ** 32,
    bytes: length => randomBytes(length),
  };
}
