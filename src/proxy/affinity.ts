import type { Nft } from '#host';
import { isNftNotFound } from '#host';
import { table, tableName } from './config.ts';

/** A client that an endpoint has, in the set of that endpoint. Times in seconds. */
export interface Remembered {
  set: string;
  client: string;
  timeoutSeconds: number;
  leftSeconds: number;
}

/** Which clients stay with which endpoints, as the kernel knows it; none when there is no table. Rejects with NftError. */
export async function readAffinity(nft: Nft): Promise<Remembered[]> {
  try {
    return parseAffinity(await nft.list('sets', 'table', 'ip', tableName));
  } catch (error) {
    if (isNftNotFound(error)) return [];
    throw error;
  }
}

/** Reads the sets that `nft -j list sets` answers; elements that do not expire, which are no clients, are passed over. */
export function parseAffinity(entries: readonly Record<string, unknown>[]): Remembered[] {
  return entries.flatMap(({ set }) => {
    const { name, elem = [] } = (set ?? {}) as { name?: string; elem?: ({ elem?: ExpiringElement } | string)[] };
    return elem.flatMap(one => {
      const { val, timeout, expires } = (typeof one === 'object' && one.elem) || {};
      if (!name || !val || !timeout || !expires) return [];
      return [{ set: name, client: val, timeoutSeconds: timeout, leftSeconds: expires }];
    });
  });
}

interface ExpiringElement {
  val?: string;
  timeout?: number;
  expires?: number;
}

/** Puts clients back where they were, into the sets that there are. */
export function formatAffinity(remembered: readonly Remembered[], sets: ReadonlySet<string>): string[] {
  return remembered
    .filter(({ set }) => sets.has(set))
    .map(({ set, client, timeoutSeconds, leftSeconds }) => {
      return `add element ${table} ${set} { ${client} timeout ${timeoutSeconds}s expires ${leftSeconds}s }`;
    });
}
