import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../store.ts';
import { toStoreError } from './error.ts';

/** "WHRY" in the file header: this SQLite file is a Wherry store. */
const applicationId = 0x57485259;
/** Raised when the tables change. */
const schemaVersion = 1;
const pageBytes = 4096;
/** A write-ahead log that a burst has made larger than this is cut when it starts over. */
const walBytes = 32 * 1024 * 1024;

/**
 * `current` answers every read; its row id is the revision that made the key, so creations append. `log` is history, read by watches only.
 * A log row has the value before as a pointer to an older row, or inline when that row is about to be compacted away.
 */
const schema = `
  CREATE TABLE current (
    create_revision INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    value BLOB NOT NULL
  ) STRICT;
  CREATE TABLE log (
    revision INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    create_revision INTEGER NOT NULL,
    previous_revision INTEGER,
    previous BLOB,
    value BLOB
  ) STRICT;
  CREATE TABLE number (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE volatile_folder (folder TEXT PRIMARY KEY, lost INTEGER) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`;

/**
 * Opens or makes the file, alone: the lock is SQLite's own and dies with the process. Throws StoreError `unavailable` that names the remedy.
 * `:memory:` is a store without a file.
 */
export function openDatabase(path: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    if (path !== ':memory:') createPrivateFile(path);
    db = new DatabaseSync(path, { timeout: 0 });
    configure(db);
    checkSchema(db, path);
    return db;
  } catch (error) {
    if (db?.isOpen) db.close();
    throw toStoreError(error, path);
  }
}

/** SQLite would make it readable for all. Not opened when it exists: closing it again would drop the locks that this process has on it. */
function createPrivateFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/**
 * EXCLUSIVE keeps the lock for life and needs no shared-memory file. NORMAL leaves the sync of each commit to Disk, which does it without
 * blocking the event loop; nothing is acknowledged before. Checkpoints are ours too. The cache is small: the API server has its own.
 */
function configure(db: DatabaseSync): void {
  db.exec(`
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA page_size = ${pageBytes};
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = ${walBytes};
    PRAGMA cache_size = -4096;
    PRAGMA mmap_size = 0;
    PRAGMA temp_store = MEMORY;
  `);
}

function checkSchema(db: DatabaseSync, path: string): void {
  const id = readNumber(db, 'PRAGMA application_id');
  const version = readNumber(db, 'PRAGMA user_version');
  if (id === applicationId && version === schemaVersion) {
    // Takes the lock now, and reads a page of each table, so that a second server or a damaged file shows here and not at the first write.
    db.exec('BEGIN IMMEDIATE; SELECT max(revision) FROM log; SELECT max(create_revision) FROM current; COMMIT');
    return;
  }
  if (id === applicationId) {
    const message = `store ${path}: its layout is version ${version}, this program knows ${schemaVersion}: run the program that wrote it`;
    throw new StoreError('unavailable', message);
  }
  if (readNumber(db, 'SELECT count(*) FROM sqlite_schema') > 0) {
    throw new StoreError('unavailable', `store ${path}: an SQLite file of another program: choose another path`);
  }
  db.exec(`BEGIN EXCLUSIVE; ${schema} COMMIT`);
}

/** The first column of the first row. */
export function readNumber(db: DatabaseSync, sql: string): number {
  return Number(Object.values(db.prepare(sql).get() ?? {})[0] ?? 0);
}
