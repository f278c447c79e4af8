import type { Exec } from './exec.ts';
import { CommandError } from './exec.ts';

export type NftFamily = 'ip' | 'ip6' | 'inet';

export interface NftTableName {
  family: string;
  name: string;
}

/** The packet filter of one network namespace. Everything rejects with NftError. */
export interface Nft {
  /** Runs the text of a whole transaction with one `nft -f -`: all of it happens or nothing. Empty text does nothing. */
  run(transaction: string): Promise<void>;
  tables(): Promise<NftTableName[]>;
  /** `nft -j list ...`: the objects inside the answer's `nftables` array, metainfo left out. */
  list(...what: string[]): Promise<Record<string, unknown>[]>;
}

/** `missing`: nft is not installed. `refused`: the kernel or nft did not take the transaction, and nothing of it happened. */
export type NftErrorCode = 'missing' | 'refused';

export class NftError extends Error {
  override readonly name = 'NftError';
  readonly code: NftErrorCode;

  constructor(code: NftErrorCode, message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** True when a listed or deleted table, chain or set was not there. */
export function isNftNotFound(error: unknown): boolean {
  return error instanceof NftError && error.message.includes('No such file or directory');
}

/** nftables through nft(8); needs CAP_NET_ADMIN. A ruleset of a large cluster takes seconds to load on a small machine. */
export function createNft(exec: Exec, options: { timeoutMs?: number } = {}): Nft {
  const { timeoutMs = 60_000 } = options;
  const nft = async (args: string[], input?: string) => {
    try {
      return (await exec.run({ program: 'nft', args, input, timeoutMs })).stdout;
    } catch (error) {
      throw toNftError(error);
    }
  };
  const list = async (...what: string[]) => {
    const answer = JSON.parse(await nft(['-j', 'list', ...what])) as { nftables?: Record<string, unknown>[] };
    return (answer.nftables ?? []).filter(entry => !('metainfo' in entry));
  };
  return {
    run: async transaction => void (transaction.trim() && (await nft(['-f', '-'], transaction))),
    list,
    tables: async () =>
      (await list('tables')).flatMap(entry => ('table' in entry ? [entry['table'] as NftTableName] : [])),
  };
}

/** nft shows the whole line of every error; of many errors the first tells what is wrong. */
const maxErrorLength = 600;

function toNftError(error: unknown): unknown {
  if (!(error instanceof CommandError)) return error;
  if (error.code === 'missing')
    return new NftError('missing', 'nft is not installed: install the package nftables', error);
  const said = error.stderr.trim() || error.message;
  return new NftError('refused', `nft: ${said.slice(0, maxErrorLength)}`, error);
}
