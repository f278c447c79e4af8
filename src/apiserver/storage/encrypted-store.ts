import { type Change, type Entry, type Store, StoreError, type WatchOptions } from '#store';
import type { Encryption } from './encryption.ts';

/** A store whose values are sealed on the way in and opened on the way out; users of it see plain bytes only. */
export interface EncryptedStore extends Store {
  /** True: the key's value would be stored differently today (another key, or none), so writing it anew is worth it though nothing changes. */
  isStale(key: string): Promise<boolean>;
  /** Writes what is stale with today's key, all keys that begin with the prefix. Gives how many; safe to call again. */
  rewrite(prefix: string): Promise<number>;
  /** Reads everything under the prefix by other rules than today's; rejects with the StoreError of the first value that they cannot open. */
  verify(prefix: string, encryption: Encryption): Promise<void>;
}

const pageSize = 500;

/** Wraps a store; disposing it disposes that. */
export function encryptStore(store: Store, encryption: Encryption): EncryptedStore {
  // What is sealed here comes back over the watch as the same bytes: it need not be opened, and callers recognise their own value.
  const sealedHere = new WeakMap<Uint8Array, Uint8Array>();
  const open = (key: string, value: Uint8Array) => sealedHere.get(value) ?? encryption.open(key, value).plain;
  const entryOf = (entry: Entry): Entry => ({ ...entry, value: open(entry.key, entry.value) });
  const seal = (key: string, plain: Uint8Array): Uint8Array => {
    const value = encryption.seal(key, plain);
    if (value !== plain) sealedHere.set(value, plain);
    return value;
  };
  const wrapped: EncryptedStore = {
    revision: () => store.revision(),
    ...(store.current && { current: () => store.current!() }),
    ...(store.current && { current: () => store.current!() }),
    ...(store.problem && { problem: () => store.problem!() }),
    async get(key) {
      const entry = await store.get(key);
      return entry && entryOf(entry);
    },
    async list(options) {
      const listing = await store.list(options);
      return { ...listing, entries: listing.entries.map(entryOf) };
    },
    async write(write) {
      const { key, value } = write;
      return store.write(value === undefined ? write : { ...write, value: seal(key, value) });
    },
    watch: options => store.watch(openedWatch(options, { encryption, open })),
    compact: revision => store.compact(revision),
    stats: () => store.stats(),
    ...(store.problem && { problem: () => store.problem!() }),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    async isStale(key) {
      if (!encryption.concerns(key)) return false;
      const entry = await store.get(key);
      return entry !== undefined && encryption.open(key, entry.value).isStale;
    },
    async verify(prefix, other) {
      for await (const { key, value } of entriesOf(store, prefix)) other.open(key, value);
    },
    async rewrite(prefix) {
      let count = 0;
      for await (const { key, value, revision } of entriesOf(store, prefix)) {
        const { plain, isStale } = encryption.open(key, value);
        if (!isStale) continue;
        count += await rewriteOne(wrapped, { key, plain, revision });
      }
      return count;
    },
  };
  return wrapped;
}

async function rewriteOne(store: Store, entry: { key: string; plain: Uint8Array; revision: number }): Promise<number> {
  try {
    await store.write({ key: entry.key, value: entry.plain, expect: entry.revision });
    return 1;
  } catch (error) {
    // Somebody wrote it at this moment, and so with today's key.
    if (error instanceof StoreError && error.code === 'conflict') return 0;
    throw error;
  }
}

async function* entriesOf(store: Store, prefix: string): AsyncGenerator<Entry> {
  let after = '';
  for (;;) {
    const { entries, more } = await store.list({ prefix, limit: pageSize, ...(after ? { after } : {}) });
    yield* entries;
    after = entries.at(-1)?.key ?? after;
    if (!more) return;
  }
}

interface Opening {
  readonly encryption: Encryption;
  readonly open: (key: string, value: Uint8Array) => Uint8Array;
}

function openedWatch(options: WatchOptions, { encryption, open }: Opening): WatchOptions {
  let isOver = false;
  return {
    ...options,
    onChanges(changes) {
      if (isOver) return;
      let opened: Change[];
      try {
        opened = changes.map(change => openChange(change, { encryption, open }));
      } catch (error) {
        isOver = true;
        options.onError(error as StoreError);
        return;
      }
      options.onChanges(opened);
    },
    onProgress: revision => {
      if (!isOver) options.onProgress?.(revision);
    },
    onError: error => {
      if (!isOver) options.onError(error);
    },
  };
}

function openChange(change: Change, { encryption, open }: Opening): Change {
  const { key, value, previous } = change;
  let before: Uint8Array | undefined;
  return {
    ...change,
    value: value && open(key, value),
    // Few ask for it, and an older key may be gone by now.
    get previous() {
      if (previous) before ??= encryption.open(key, previous).plain;
      return before;
    },
  };
}
