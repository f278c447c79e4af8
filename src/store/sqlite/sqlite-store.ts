import type { DatabaseSync } from 'node:sqlite';
import type { Clock, Log, Meter } from '#base';
import { checkKey, compareKeys } from '../key.ts';
import type { Change, Entry, Listing, ListOptions, Store, WatchOptions, Write } from '../store.ts';
import { StoreError } from '../store.ts';
import type { VolatileKeys } from '../volatile.ts';
import { Watchers } from '../watchers.ts';
import { Batch } from './batch.ts';
import type { Disk } from './disk.ts';
import { isDiskFull, toStoreError } from './error.ts';
import { createStoreMeters } from './meters.ts';
import type { Tables } from './tables.ts';

/** Bounds how long one transaction may hold the event loop: about 20 ms. */
const batchWrites = 1000;
/** Rows that one step of a compaction deletes: about a millisecond. */
const compactRows = 200;
/** Revisions that one step of a compaction looks through. */
const compactRevisions = 2048;

export interface SqliteStoreParts {
  db: DatabaseSync;
  path: string;
  tables: Tables;
  disk: Disk;
  volatile: VolatileKeys;
  clock: Clock;
  log: Log;
  meter?: Meter;
  retainRevisions: number;
  start: { revision: number; compacted: number; reserved: number };
}

interface Pending {
  readonly write: Write;
  resolve(result: { revision: number }): void;
  reject(error: unknown): void;
}

interface Outcome {
  readonly pending: Pending;
  readonly revision?: number;
  readonly error?: unknown;
}

/**
 * The store over one SQLite file. Writes queue up while the batch before them is made durable, and then commit together. Between a commit
 * and its sync the newest state is not shown to anyone: reads that meet it wait.
 */
export class SqliteStore implements Store {
  readonly #parts: SqliteStoreParts;
  readonly #meters: ReturnType<typeof createStoreMeters>;
  readonly #watchers: Watchers;
  #queue: Pending[] = [];
  /** The loop that empties the queue; undefined when there is nothing to do. */
  #pump: Promise<void> | undefined;
  /** Settles when the commit that is being synced is durable, or is known not to be. */
  #syncing: Promise<void> | undefined;
  /** Holds while a checkpoint runs: nothing else may commit. */
  #holding: Promise<void> | undefined;
  #committed: number;
  #durable: number;
  #reserved: number;
  #compacted: number;
  #compacting: number;
  #compaction: Promise<void> = Promise.resolve();
  #failure: StoreError | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: SqliteStoreParts) {
    this.#parts = parts;
    this.#meters = createStoreMeters(parts.meter);
    this.#committed = parts.start.revision;
    this.#durable = parts.start.revision;
    this.#reserved = parts.start.reserved;
    this.#compacted = parts.start.compacted;
    this.#compacting = parts.start.compacted;
    const source = {
      revision: () => this.#durable,
      floor: (prefix: string) => Math.max(this.#compacted, parts.volatile.floor(prefix)),
      read: (prefix: string, after: number) => this.#readHistory(prefix, after),
    };
    this.#watchers = new Watchers({ source, clock: parts.clock, log: parts.log });
  }

  revision(): number {
    return this.#durable;
  }

  async get(key: string): Promise<Entry | undefined> {
    checkKey(key);
    this.#check();
    const entry = this.#attempt(() => this.#parts.volatile.get(key) ?? this.#parts.tables.get(key));
    // An entry that is durable already is the newest; anything else is decided by the commit under way.
    if (!entry || entry.revision > this.#durable) await this.#syncing;
    return entry;
  }

  async list(options: ListOptions): Promise<Listing> {
    this.#check();
    const { prefix, after = '', limit = 0 } = options;
    const fetch = limit === 0 ? 0 : limit + 1;
    const stored = this.#attempt(() => this.#parts.tables.list(prefix, after, fetch));
    const entries = mergeEntries(stored, this.#parts.volatile.range(prefix, after, fetch));
    const revision = this.#committed;
    await this.#syncing;
    const more = limit > 0 && entries.length > limit;
    return { revision, entries: more ? entries.slice(0, limit) : entries, more };
  }

  write(write: Write): Promise<{ revision: number }> {
    return new Promise((resolve, reject) => {
      checkKey(write.key);
      this.#check();
      this.#queue.push({ write, resolve, reject });
      this.#pump ??= this.#empty();
    });
  }

  watch(options: WatchOptions): void {
    this.#check();
    this.#watchers.add(options);
  }

  compact(revision: number): Promise<void> {
    const run = this.#compaction.then(() => this.#compact(Math.min(revision, this.#durable)));
    // The next one starts after this one, whatever became of it; the caller gets the error.
    this.#compaction = run.catch(() => undefined);
    return run;
  }

  stats(): { compacted: number; sizeBytes: number; bytesWritten: number } {
    const { disk } = this.#parts;
    return { compacted: this.#compacted, sizeBytes: disk.sizeBytes(), bytesWritten: disk.bytesWritten };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Commits what has queued up, again and again until nothing has. Starts behind the current turn, so that all of its writes go together. */
  async #empty(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve));
    while (this.#queue.length > 0) {
      while (this.#holding) await this.#holding;
      const batch = this.#queue.splice(0, batchWrites);
      if (this.#failure) for (const pending of batch) pending.reject(this.#failure);
      else await this.#commit(batch);
      if (!this.#failure && !this.#holding && this.#parts.disk.checkpointDue()) await this.#checkpoint();
    }
    this.#pump = undefined;
  }

  async #commit(pendings: Pending[]): Promise<void> {
    const startMs = this.#parts.clock.monotonicMs();
    const { db, tables, volatile, disk } = this.#parts;
    const start = { revision: this.#committed, reserved: this.#reserved, compacting: this.#compacting };
    const batch = new Batch(start, { tables, volatile, begin: () => db.exec('BEGIN IMMEDIATE') });
    let outcomes: Outcome[];
    try {
      outcomes = pendings.map(pending => writeOne(batch, pending));
      if (batch.touchesDisk) db.exec('COMMIT');
    } catch (error) {
      return this.#rollBack(pendings, error);
    }
    batch.finish();
    this.#committed = batch.revision;
    this.#reserved = batch.reserved;
    if (batch.touchesDisk && !(await this.#sync(disk))) {
      for (const { pending } of outcomes) pending.reject(this.#failure);
      return;
    }
    this.#durable = batch.revision;
    settle(outcomes);
    this.#watchers.deliver(batch.changes, batch.revision);
    this.#meters.committed({ outcomes, durationMs: this.#parts.clock.monotonicMs() - startMs, disk });
    this.#limitHistory();
  }

  /** Nothing of the batch has happened. Its volatile writes do not need the disk, so they are tried again without the others. */
  async #rollBack(pendings: Pending[], cause: unknown): Promise<void> {
    const { db, disk, path, log } = this.#parts;
    if (db.isTransaction) db.exec('ROLLBACK');
    const error = toStoreError(cause, path);
    log.error('commit failed', { error });
    this.#meters.failed();
    if (isDiskFull(cause)) disk.hurryCheckpoint();
    const again = pendings.filter(pending => pending.write.volatile);
    const lost = again.length < pendings.length ? pendings.filter(pending => !pending.write.volatile) : pendings;
    for (const pending of lost) pending.reject(error);
    if (lost !== pendings && again.length > 0) await this.#commit(again);
  }

  /** False: the disk failed, and what is on it is not known. Only a restart, which reads it again, can tell. */
  async #sync(disk: Disk): Promise<boolean> {
    const done = disk.sync();
    this.#syncing = done.catch(cause => Promise.reject(this.#fail(cause)));
    try {
      await this.#syncing;
      return true;
    } catch {
      // #fail has logged it and keeps it.
      return false;
    } finally {
      this.#syncing = undefined;
    }
  }

  #fail(cause: unknown): StoreError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `store ${this.#parts.path}: the disk failed to sync (${reason}): check the disk, then restart the server`;
    this.#failure ??= new StoreError('unavailable', message, { cause });
    this.#parts.log.error('sync failed', { error: this.#failure });
    this.#watchers.fail(this.#failure);
    return this.#failure;
  }

  async #checkpoint(): Promise<void> {
    const run = async () => {
      try {
        const error = await this.#parts.disk.checkpoint();
        if (error) this.#parts.log.warn('checkpoint failed', { error });
      } catch (error) {
        this.#fail(error);
      }
    };
    this.#holding = run();
    await this.#holding;
    this.#holding = undefined;
  }

  #readHistory(prefix: string, after: number): { changes: Change[]; upTo: number } {
    const { changes, upTo } = this.#attempt(() => this.#parts.tables.read(prefix, after, this.#durable));
    const volatile = this.#parts.volatile.changes(prefix, after, upTo);
    if (volatile.length === 0) return { changes, upTo };
    return { changes: [...changes, ...volatile].sort((a, b) => a.revision - b.revision), upTo };
  }

  async #compact(revision: number): Promise<void> {
    if (revision <= this.#compacted) return;
    await this.#step(() => {
      this.#compacting = revision;
      this.#parts.tables.setNumber('compacted', revision);
      this.#parts.tables.forgetFolders(revision);
    });
    this.#compacted = revision;
    this.#parts.volatile.compact(revision);
    const kept = await this.#pointedTo(revision);
    let last = 0;
    for (let more = true; more; ) {
      await this.#step(() => {
        const rows = this.#parts.tables.older(last, revision, compactRows);
        for (const row of rows) if (!kept.has(row)) this.#parts.tables.forget(row);
        more = rows.length === compactRows;
        last = rows.at(-1) ?? last;
      });
    }
  }

  /** Rows that retained rows still need as their value before. From #compacting on no new ones come: see Batch. */
  async #pointedTo(revision: number): Promise<Set<number>> {
    const kept = new Set<number>();
    const newest = this.#committed;
    for (let after = revision; after < newest; after += compactRevisions) {
      await this.#step(() => {
        const upTo = Math.min(after + compactRevisions, newest);
        for (const pointer of this.#parts.tables.pointers(after, upTo, revision)) kept.add(pointer);
      });
    }
    return kept;
  }

  /** One small transaction, in a turn of its own. It need not be synced: a crash only brings rows back that the next compaction deletes. */
  async #step(run: () => void): Promise<void> {
    await new Promise(resolve => setImmediate(resolve));
    while (this.#holding) await this.#holding;
    this.#check();
    const { db, disk, path } = this.#parts;
    try {
      db.exec('BEGIN IMMEDIATE');
      run();
      db.exec('COMMIT');
      disk.count();
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw toStoreError(error, path);
    }
    // While a batch is being synced its own end looks for a checkpoint.
    if (disk.checkpointDue() && !this.#syncing) await this.#checkpoint();
  }

  #limitHistory(): void {
    const { retainRevisions, log } = this.#parts;
    if (this.#durable - this.#compacting <= retainRevisions) return;
    const revision = this.#durable - Math.floor(retainRevisions * 0.9);
    // Set at once, so that this asks only once; from here on new log rows carry their value before.
    this.#compacting = revision;
    this.compact(revision).catch(error => log.warn('compaction of a full history failed', { error }));
  }

  async #close(): Promise<void> {
    const { db, disk, tables } = this.#parts;
    const closed = new StoreError('closed', 'the store is closed');
    await this.#pump;
    this.#failure ??= closed;
    await this.#compaction;
    this.#watchers.fail(closed);
    try {
      // Reserved revisions that were not used need not be skipped.
      if (this.#reserved > this.#committed && db.isOpen) tables.setNumber('reserved', this.#committed);
    } finally {
      disk.close();
    }
  }

  #check(): void {
    if (this.#closing) throw new StoreError('closed', 'the store is closed');
    if (this.#failure) throw this.#failure;
  }

  #attempt<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw toStoreError(error, this.#parts.path);
    }
  }
}

/** A conflict is an outcome of its own; anything else ends the batch. */
function writeOne(batch: Batch, pending: Pending): Outcome {
  try {
    return { pending, revision: batch.write(pending.write) };
  } catch (error) {
    if (error instanceof StoreError && error.code === 'conflict') return { pending, error };
    throw error;
  }
}

function settle(outcomes: readonly Outcome[]): void {
  for (const { pending, revision, error } of outcomes) {
    if (revision === undefined) pending.reject(error);
    else pending.resolve({ revision });
  }
}

function mergeEntries(stored: Entry[], volatile: Entry[]): Entry[] {
  if (volatile.length === 0) return stored;
  if (stored.length === 0) return volatile;
  return [...stored, ...volatile].sort((a, b) => compareKeys(a.key, b.key));
}
