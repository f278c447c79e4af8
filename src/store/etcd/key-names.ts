import type { EtcdKeys } from '#wire';
import { checkKey, prefixEnd } from '../key.ts';

/** Where upstream's API server begins its keys. */
const usualPrefix = '/registry';

/** Translates between the store's keys and etcd's, which differ only where another prefix than /registry is configured. */
export interface KeyNames {
  toEtcd(key: string): Buffer;
  fromEtcd(key: Buffer): string;
  /** All keys with the prefix, after `after`. */
  range(prefix: string, after?: string): EtcdKeys;
}

/** The range of all keys begins and ends with a zero byte. */
const zero = Buffer.from([0]);

/** @param prefix what stands for `/registry`, without a slash at the end. */
export function createKeyNames(prefix: string): KeyNames {
  const isUsual = prefix === usualPrefix;
  const translate = (key: string, from: string, to: string) =>
    !isUsual && key.startsWith(`${from}/`) ? to + key.slice(from.length) : key;
  const toText = (key: string) => translate(key, usualPrefix, prefix);
  return {
    toEtcd(key) {
      checkKey(key);
      return Buffer.from(toText(key));
    },
    fromEtcd: key => translate(key.toString(), prefix, usualPrefix),
    range(given, after = '') {
      const start = toText(given);
      const end = prefixEnd(start);
      const first = Buffer.from(start);
      const next = after === '' ? first : Buffer.concat([Buffer.from(toText(after)), zero]);
      const from = Buffer.compare(next, first) > 0 ? next : first;
      return { from: from.length > 0 ? from : zero, to: end === undefined ? zero : Buffer.from(end) };
    },
  };
}
