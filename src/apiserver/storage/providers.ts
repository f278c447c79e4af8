import { createCipheriv, createDecipheriv } from 'node:crypto';
import { secretbox } from '@noble/ciphers/salsa.js';
import type { Random } from '#base';

export type ProviderName = 'aesgcm' | 'aescbc' | 'secretbox';

/** One key of one provider. */
export interface Sealer {
  readonly provider: ProviderName;
  readonly keyName: string;
  /** What every value that it wrote begins with, as upstream stores it: `k8s:enc:aesgcm:v1:key1:`. */
  readonly prefix: Buffer;
  /** Prefix, nonce and ciphertext. */
  seal(plain: Uint8Array, storeKey: string): Buffer;
  /** Throws Error when the key is another or the value was changed. */
  open(sealed: Uint8Array, storeKey: string): Buffer;
}

interface Cipher {
  /** Bytes that a key may have. */
  readonly keySizes: readonly number[];
  seal(key: Buffer, plain: Uint8Array, about: { storeKey: string; random: Random }): Buffer[];
  open(key: Buffer, body: Buffer, storeKey: string): Buffer;
}

const nonceBytes = { aesgcm: 12, aescbc: 16, secretbox: 24 } as const;
const tagBytes = 16;

const aesgcm: Cipher = {
  keySizes: [16, 24, 32],
  seal(key, plain, { storeKey, random }) {
    const nonce = random.bytes(nonceBytes.aesgcm);
    const cipher = createCipheriv(`aes-${key.length * 8}-gcm` as 'aes-256-gcm', key, nonce);
    // Bound to its place: nobody who can write to the store can move one secret to another's name.
    cipher.setAAD(Buffer.from(storeKey));
    return [Buffer.from(nonce), cipher.update(plain), cipher.final(), cipher.getAuthTag()];
  },
  open(key, body, storeKey) {
    if (body.length < nonceBytes.aesgcm + tagBytes)
      throw new Error('the stored data was shorter than the required size');
    const nonce = body.subarray(0, nonceBytes.aesgcm);
    const cipher = createDecipheriv(`aes-${key.length * 8}-gcm` as 'aes-256-gcm', key, nonce);
    cipher.setAAD(Buffer.from(storeKey));
    cipher.setAuthTag(body.subarray(-tagBytes));
    return Buffer.concat([cipher.update(body.subarray(nonceBytes.aesgcm, -tagBytes)), cipher.final()]);
  },
};

const aescbc: Cipher = {
  keySizes: [16, 24, 32],
  seal(key, plain, { random }) {
    const nonce = random.bytes(nonceBytes.aescbc);
    const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, nonce);
    return [Buffer.from(nonce), cipher.update(plain), cipher.final()];
  },
  open(key, body) {
    if (body.length < 2 * nonceBytes.aescbc) throw new Error('the stored data was shorter than the required size');
    const cipher = createDecipheriv(`aes-${key.length * 8}-cbc`, key, body.subarray(0, nonceBytes.aescbc));
    return Buffer.concat([cipher.update(body.subarray(nonceBytes.aescbc)), cipher.final()]);
  },
};

const box: Cipher = {
  keySizes: [32],
  seal(key, plain, { random }) {
    const nonce = random.bytes(nonceBytes.secretbox);
    return [Buffer.from(nonce), Buffer.from(secretbox(key, nonce).seal(plain))];
  },
  open(key, body) {
    if (body.length < nonceBytes.secretbox + tagBytes)
      throw new Error('the stored data was shorter than the required size');
    return Buffer.from(
      secretbox(key, body.subarray(0, nonceBytes.secretbox)).open(body.subarray(nonceBytes.secretbox)),
    );
  },
};

const ciphers: Readonly<Record<ProviderName, Cipher>> = { aesgcm, aescbc, secretbox: box };

export const providerNames = Object.keys(ciphers) as ProviderName[];

/** Bytes that a provider's keys may have. */
export function keySizesOf(provider: ProviderName): readonly number[] {
  return ciphers[provider].keySizes;
}

/** A key ready for use; the secret must have one of the provider's sizes. */
export function createSealer(about: {
  provider: ProviderName;
  keyName: string;
  secret: Buffer;
  random: Random;
}): Sealer {
  const { provider, keyName, secret, random } = about;
  const cipher = ciphers[provider];
  const prefix = Buffer.from(`k8s:enc:${provider}:v1:${keyName}:`);
  return {
    ...{ provider, keyName, prefix },
    seal: (plain, storeKey) => Buffer.concat([prefix, ...cipher.seal(secret, plain, { storeKey, random })]),
    open(sealed, storeKey) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      return cipher.open(secret, bytes.subarray(prefix.length), storeKey);
    },
  };
}
