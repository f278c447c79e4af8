import { folderOf } from '../key.ts';
import type { Change, Entry, Write } from '../store.ts';
import { StoreError } from '../store.ts';
import type { VolatileKeys } from '../volatile.ts';
import type { Tables } from './tables.ts';

/**
 * Volatile changes take revisions that no log row proves; so many are set aside in the file at once, and a restart continues above. More
 * would save no disk worth naming; the revisions that a crash skips count as history.
 */
const reserveRevisions = 1000;

/** What the store knows when a batch begins. */
export interface BatchStart {
  readonly revision: number;
  /** A restart continues above this. */
  readonly reserved: number;
  /** History up to here is gone, or going. */
  readonly compacting: number;
}

/**
 * The writes of one transaction, one after the other: a later one sees the earlier ones. Volatile changes are only gathered; `finish`
 * applies them, after the commit. Dropping the batch (and rolling back) undoes everything.
 */
export class Batch {
  readonly changes: Change[] = [];
  revision: number;
  reserved: number;
  readonly #compacting: number;
  readonly #tables: Tables;
  readonly #volatile: VolatileKeys;
  /** Volatile entries as this batch sees them; undefined: deleted. */
  readonly #overlay = new Map<string, Entry | undefined>();
  readonly #pending: Change[] = [];
  readonly #folders = new Set<string>();
  #touchesDisk = false;
  readonly #begin: () => void;

  /** @param deps.begin opens the transaction; called before the first change that goes to disk. */
  constructor(start: BatchStart, deps: { tables: Tables; volatile: VolatileKeys; begin: () => void }) {
    this.revision = start.revision;
    this.reserved = start.reserved;
    this.#compacting = start.compacting;
    this.#tables = deps.tables;
    this.#volatile = deps.volatile;
    this.#begin = deps.begin;
  }

  get touchesDisk(): boolean {
    return this.#touchesDisk;
  }

  /** Returns the change's revision. Throws StoreError `conflict`, with nothing changed; whatever SQLite throws ends the batch. */
  write(write: Write): number {
    const volatile = this.#volatileEntry(write.key);
    const current = volatile ?? this.#tables.get(write.key);
    if ((current?.revision ?? 0) !== write.expect) throw conflict(write, current);
    // Deleting what is not there changes nothing and takes no revision.
    if (!current && write.value === undefined) return this.revision;
    const revision = this.revision + 1;
    const change: Change = {
      revision,
      key: write.key,
      value: write.value,
      createRevision: current?.createRevision ?? revision,
      previous: current?.value,
    };
    // Which kind a key is was settled when it was made.
    if (volatile || (!current && write.volatile)) this.#writeVolatile(change);
    else this.#writeDurable(change, current);
    this.revision = revision;
    this.changes.push(change);
    return revision;
  }

  /** The transaction is committed: volatile changes take effect. */
  finish(): void {
    for (const folder of this.#folders) this.#volatile.use(folder);
    for (const change of this.#pending) this.#volatile.apply(change);
  }

  #volatileEntry(key: string): Entry | undefined {
    return this.#overlay.has(key) ? this.#overlay.get(key) : this.#volatile.get(key);
  }

  #writeDurable(change: Change, current: Entry | undefined): void {
    this.#touchDisk();
    if (change.value === undefined) this.#tables.remove(change.createRevision);
    else
      this.#tables.put({
        key: change.key,
        value: change.value,
        createRevision: change.createRevision,
        revision: change.revision,
      });
    const pointer = current && current.revision > this.#compacting ? current.revision : undefined;
    this.#tables.append(change, pointer);
  }

  #writeVolatile(change: Change): void {
    if (change.revision > this.reserved) {
      this.#touchDisk();
      this.reserved = change.revision + reserveRevisions;
      this.#tables.setNumber('reserved', this.reserved);
    }
    const folder = folderOf(change.key);
    if (!this.#volatile.isUsed(folder) && !this.#folders.has(folder)) {
      this.#touchDisk();
      this.#tables.useFolder(folder);
      this.#folders.add(folder);
    }
    const { key, value, createRevision, revision } = change;
    this.#overlay.set(key, value === undefined ? undefined : { key, value, createRevision, revision });
    this.#pending.push(change);
  }

  #touchDisk(): void {
    if (this.#touchesDisk) return;
    this.#begin();
    this.#touchesDisk = true;
  }
}

function conflict(write: Write, entry: Entry | undefined): StoreError {
  const is = entry ? `it is at revision ${entry.revision}` : 'it does not exist';
  const wanted = write.expect === 0 ? 'it must not exist' : `it must be at revision ${write.expect}`;
  return new StoreError('conflict', `key ${write.key}: ${wanted}, ${is}`, { entry });
}
