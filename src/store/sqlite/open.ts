import type { DatabaseSync } from 'node:sqlite';
import type { Clock, Log, Meter } from '#base';
import type { Store } from '../store.ts';
import { VolatileKeys } from '../volatile.ts';
import { openDatabase } from './database.ts';
import type { SyncFile } from './disk.ts';
import { Disk } from './disk.ts';
import { toStoreError } from './error.ts';
import { SqliteStore } from './sqlite-store.ts';
import type { Tables } from './tables.ts';
import { prepareTables } from './tables.ts';

export interface SqliteStoreOptions {
  /** The database file (made when absent, with its directory), or `:memory:` for a store that ends with the process. */
  path: string;
  clock: Clock;
  log: Log;
  meter?: Meter;
  /** When the history is longer than this, the oldest tenth is compacted away, whatever the caller's own policy. Default 500,000 changes. */
  retainRevisions?: number;
}

/** What tests replace. */
export interface DiskOptions {
  syncFile?: SyncFile;
  checkpointFrames?: number;
}

const defaultRetainRevisions = 500_000;

/**
 * Opens a store on one SQLite file, which this process then holds alone. Rejects with StoreError `unavailable`, whose message names the file
 * and the remedy, when another server has it, it is damaged, or it cannot be written. The caller disposes the store.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  return createStoreOn(openDatabase(options.path), options);
}

/** The store over an open database; closes it when that fails. */
export function createStoreOn(db: DatabaseSync, options: SqliteStoreOptions, diskOptions: DiskOptions = {}): Store {
  try {
    const tables = prepareTables(db);
    const { revision, lost } = recover(tables);
    return new SqliteStore({
      ...options,
      db,
      tables,
      volatile: new VolatileKeys(lost),
      disk: new Disk({ db, path: options.path, ...diskOptions }),
      start: { revision, compacted: tables.number('compacted'), reserved: tables.number('reserved') },
      retainRevisions: options.retainRevisions ?? defaultRetainRevisions,
    });
  } catch (error) {
    db.close();
    throw toStoreError(error, options.path);
  }
}

/** Where a restart goes on, and which folders had volatile keys that are gone now. */
function recover(tables: Tables): { revision: number; lost: Map<string, number> } {
  const revision = Math.max(1, tables.newest(), tables.number('compacted'), tables.number('reserved'));
  const folders = tables.folders();
  if (folders.some(({ lost }) => lost === undefined)) tables.loseFolders(revision);
  return { revision, lost: new Map(folders.map(({ folder, lost }) => [folder, lost ?? revision])) };
}
