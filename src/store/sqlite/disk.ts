import { closeSync, fdatasync, openSync, statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';

const pageBytes = 4096;
/** A WAL frame is a page and its header, https://www.sqlite.org/fileformat2.html#walformat */
const frameBytes = pageBytes + 24;
/** 16 MB of WAL: pages that are written again and again (the newest log page, busy objects) reach the file once for many commits. */
const defaultCheckpointFrames = 4096;
/** How much longer the WAL may grow before a failed checkpoint is tried again. */
const retryFrames = 1024;

/** Makes a file's content durable. */
export type SyncFile = (fd: number, file: 'main' | 'wal') => Promise<void>;

export const syncFile: SyncFile = fd =>
  new Promise((resolve, reject) => fdatasync(fd, error => (error ? reject(error) : resolve())));

/**
 * The files under the database: syncs them off the event loop, checkpoints, counts what is written.
 * The descriptors stay open until the database is closed: closing one on the main file would drop SQLite's lock (POSIX).
 */
export class Disk {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #sync: SyncFile;
  readonly #noop: StatementSync;
  #files: { main: number; wal: number } | undefined;
  #frames = 0;
  readonly #checkpointFrames: number;
  #dueFrames: number;
  #written = 0;

  constructor(options: { db: DatabaseSync; path: string; syncFile?: SyncFile; checkpointFrames?: number }) {
    this.#db = options.db;
    this.#path = options.path;
    this.#sync = options.syncFile ?? syncFile;
    this.#checkpointFrames = options.checkpointFrames ?? defaultCheckpointFrames;
    this.#dueFrames = this.#checkpointFrames;
    this.#noop = this.#db.prepare('PRAGMA wal_checkpoint(NOOP)');
  }

  /** Bytes handed to the kernel since open: WAL frames, and for a checkpoint at most the pages it can have copied. */
  get bytesWritten(): number {
    return this.#written;
  }

  /** Everything committed so far is durable when this resolves. */
  async sync(): Promise<void> {
    this.count();
    if (this.#path === ':memory:') return;
    this.#files ??= { wal: openSync(`${this.#path}-wal`, 'r'), main: openSync(this.#path, 'r') };
    await this.#sync(this.#files.wal, 'wal');
  }

  /** Looks how far the WAL has grown; to be called after each commit (`sync` does). */
  count(): void {
    const { log } = this.#noop.get() as { log: number };
    if (log < 0) return;
    // After a checkpoint the WAL starts over, and so does its count.
    this.#written += Math.max(0, log >= this.#frames ? log - this.#frames : log) * frameBytes;
    this.#frames = log;
  }

  checkpointDue(): boolean {
    return this.#frames >= this.#dueFrames;
  }

  /** Ask for a checkpoint soon: the disk is full, and a WAL that starts over needs no more room. */
  hurryCheckpoint(): void {
    this.#dueFrames = Math.min(this.#dueFrames, Math.max(1, this.#frames));
  }

  /**
   * Copies the WAL into the file. No commit may come between this and its end: the copy is synced by us, off the event loop, and the first
   * commit after a checkpoint starts the WAL over. Until then the whole WAL is on disk, so a crash in between loses nothing.
   * Resolves with SQLite's error when it could not copy everything (disk full): harmless, the WAL stays. Rejects when a sync fails.
   */
  async checkpoint(): Promise<unknown> {
    if (!this.#files) return undefined;
    this.count();
    this.#dueFrames = this.#frames + retryFrames;
    await this.#sync(this.#files.wal, 'wal');
    const { complete, error } = this.#copy();
    await this.#sync(this.#files.main, 'main');
    if (!complete) return error;
    this.#frames = 0;
    this.#dueFrames = this.#checkpointFrames;
    return undefined;
  }

  #copy(): { complete: boolean; error?: unknown } {
    this.#db.exec('PRAGMA synchronous = OFF');
    try {
      const row = this.#db.prepare('PRAGMA wal_checkpoint(PASSIVE)').get() as { log: number; checkpointed: number };
      this.#written += Math.min(row.checkpointed, this.#pages()) * pageBytes;
      return { complete: row.checkpointed >= row.log };
    } catch (error) {
      return { complete: false, error };
    } finally {
      this.#db.exec('PRAGMA synchronous = NORMAL');
    }
  }

  /** Size of the files now. */
  sizeBytes(): number {
    if (this.#path === ':memory:') return 0;
    const sizes = ['', '-wal'].map(suffix => statSync(this.#path + suffix, { throwIfNoEntry: false })?.size ?? 0);
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Closes the database, then the descriptors. */
  close(): void {
    try {
      this.#db.close();
    } finally {
      if (this.#files) for (const fd of Object.values(this.#files)) closeSync(fd);
      this.#files = undefined;
    }
  }

  #pages(): number {
    const { page_count: pages } = this.#db.prepare('PRAGMA page_count').get() as { page_count: number };
    return pages;
  }
}
