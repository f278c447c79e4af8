import { randomInt } from 'node:crypto';
import type { Change, Entry, Store, StoreErrorCode } from '../store.ts';
import { StoreError } from '../store.ts';

/** A store under test, empty when opened. Disposing it closes the store and removes its data. */
export interface StoreHarness extends AsyncDisposable {
  readonly store: Store;
  /** Closes the store and opens it again over the same data. Absent when data does not outlive the store. */
  restart?(): Promise<Store>;
}

export interface StoreSuite {
  open(): Promise<StoreHarness>;
  /** Why volatile keys cannot be tested here; absent: they are. */
  skipVolatile?: string;
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(value: Uint8Array | undefined): string | undefined {
  return value && new TextDecoder().decode(value);
}

/** Makes a key that must not exist; resolves with its revision. */
export async function create(store: Store, key: string, value = key, volatile = false): Promise<number> {
  return (await store.write({ key, value: bytes(value), expect: 0, volatile })).revision;
}

export async function keysOf(store: Store, prefix: string, after?: string, limit?: number): Promise<string[]> {
  const options = { prefix, ...(after === undefined ? {} : { after }), ...(limit === undefined ? {} : { limit }) };
  return (await store.list(options)).entries.map(entry => entry.key);
}

/** For assert.rejects and assert.throws. */
export function withCode(code: StoreErrorCode): (error: unknown) => boolean {
  return error => error instanceof StoreError && error.code === code;
}

/** An entry as plain text, so that deepEqual does not trip over Buffer and Uint8Array. */
export function plain(entry: Entry | undefined): unknown {
  return entry && { ...entry, value: text(entry.value) };
}

export function plainChange(change: Change): unknown {
  return { ...change, value: text(change.value), previous: text(change.previous) };
}

export interface WatchRecord extends Disposable {
  readonly changes: Change[];
  readonly progress: number[];
  error: StoreError | undefined;
  /** Resolves as soon as the condition holds; looks again after everything that arrives. */
  until(condition: (record: WatchRecord) => boolean): Promise<void>;
  /** Resolves when a change of this revision or a later one, or progress to it, has arrived. */
  reached(revision: number): Promise<void>;
}

/** Starts a watch and keeps what it delivers. */
export function recordWatch(store: Store, options: { prefix: string; after: number }): WatchRecord {
  const stop = new AbortController();
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of [...waiting]) look();
  };
  const record: WatchRecord = {
    changes: [],
    progress: [],
    error: undefined,
    until(condition) {
      return new Promise(resolve => {
        const look = () => {
          if (!condition(record)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      });
    },
    reached: revision =>
      record.until(
        () => (record.changes.at(-1)?.revision ?? 0) >= revision || (record.progress.at(-1) ?? 0) >= revision,
      ),
    [Symbol.dispose]: () => stop.abort(),
  };
  store.watch({
    ...options,
    signal: stop.signal,
    onChanges(changes) {
      record.changes.push(...changes);
      wake();
    },
    onProgress(revision) {
      record.progress.push(revision);
      wake();
    },
    onError(error) {
      record.error = error;
      wake();
    },
  });
  return record;
}

/** A random member. */
export function pick<T>(items: readonly T[]): T {
  return items[randomInt(items.length)] as T;
}
