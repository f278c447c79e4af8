import type { Nft, NftTableName } from './nft.ts';

export interface FakeNft extends Nft {
  /** Every transaction that was run, oldest first. */
  readonly transactions: string[];
  /** What `tables` answers; a test removes one as a stranger's flush would. Kept from `add table` and `delete table` lines. */
  readonly known: Map<string, NftTableName>;
  /** The next runs reject with this; undefined ends that. */
  failWith(error: Error | undefined): void;
}

/** Records transactions; knows no more of them than which tables they add and delete. */
export function createFakeNft(): FakeNft {
  const transactions: string[] = [];
  const known: FakeNft['known'] = new Map();
  let failure: Error | undefined;
  return {
    transactions,
    known,
    failWith: error => {
      failure = error;
    },
    async run(transaction) {
      if (failure) throw failure;
      if (!transaction.trim()) return;
      transactions.push(transaction);
      for (const line of transaction.split('\n')) {
        const [verb, noun, family = '', name = ''] = line.split(' ');
        if (noun !== 'table') continue;
        if (verb === 'add') known.set(`${family} ${name}`, { family, name });
        if (verb === 'delete') known.delete(`${family} ${name}`);
      }
    },
    tables: async () => [...known.values()],
    list: async () => [],
  };
}
