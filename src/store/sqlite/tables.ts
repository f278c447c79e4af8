import type { DatabaseSync } from 'node:sqlite';
import { prefixEnd } from '../key.ts';
import type { Change, Entry } from '../store.ts';

/** A watch that starts in the past looks at this many revisions at a time, and stops early at this many bytes. */
const readRevisions = 2048;
const readBytes = 1024 * 1024;

/** Stands for "no upper bound": sorts after every text, because SQLite orders blobs after texts. */
const beyondText = new Uint8Array(0);

type Row = Record<string, unknown>;

/** The prepared statements over the tables. No rules here; callers hold the transaction. */
export type Tables = ReturnType<typeof prepareTables>;

export function prepareTables(db: DatabaseSync) {
  return { ...prepareCurrent(db), ...prepareLog(db), ...prepareState(db) };
}

function prepareCurrent(db: DatabaseSync) {
  const get = db.prepare('SELECT key, value, create_revision, revision FROM current WHERE key = ?');
  const insert = db.prepare('INSERT INTO current (create_revision, key, revision, value) VALUES (?, ?, ?, ?)');
  const update = db.prepare('UPDATE current SET revision = ?, value = ? WHERE create_revision = ?');
  const remove = db.prepare('DELETE FROM current WHERE create_revision = ?');
  const list = db.prepare(
    'SELECT key, value, create_revision, revision FROM current WHERE key >= ? AND key > ? AND key < ? ORDER BY key LIMIT ?',
  );
  return {
    get(key: string): Entry | undefined {
      const row = get.get(key);
      return row && toEntry(row);
    },
    put(entry: Entry): void {
      if (entry.revision === entry.createRevision) insert.run(entry.revision, entry.key, entry.revision, entry.value);
      else update.run(entry.revision, entry.value, entry.createRevision);
    },
    remove: (createRevision: number) => void remove.run(createRevision),
    /** Keys with the prefix and after the given key; `limit` 0: all. */
    list(prefix: string, after: string, limit: number): Entry[] {
      return list.all(prefix, after, prefixEnd(prefix) ?? beyondText, limit === 0 ? -1 : limit).map(toEntry);
    },
  };
}

function prepareLog(db: DatabaseSync) {
  const append = db.prepare(
    'INSERT INTO log (revision, key, create_revision, previous_revision, previous, value) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const read = db.prepare(`
    SELECT revision, key, create_revision, value,
      coalesce(previous, (SELECT older.value FROM log older WHERE older.revision = log.previous_revision)) AS previous
    FROM log WHERE revision > ? AND revision <= ? AND key >= ? AND key < ? ORDER BY revision`);
  const older = db.prepare('SELECT revision FROM log WHERE revision > ? AND revision <= ? ORDER BY revision LIMIT ?');
  const pointers = db.prepare(
    'SELECT revision, previous_revision FROM log WHERE revision > ? AND revision <= ? AND previous_revision <= ?',
  );
  const forget = db.prepare('DELETE FROM log WHERE revision = ?');
  return {
    /** `previousRevision`: where the value before stands in the log; without it the value itself is stored. */
    append(change: Change, previousRevision: number | undefined): void {
      const inline = previousRevision === undefined ? (change.previous ?? null) : null;
      const { revision, key, createRevision, value } = change;
      append.run(revision, key, createRevision, previousRevision ?? null, inline, value ?? null);
    },
    /** A bounded stretch of history after `after`, not beyond `newest`. */
    read(prefix: string, after: number, newest: number): { changes: Change[]; upTo: number } {
      const upTo = Math.min(after + readRevisions, newest);
      const changes: Change[] = [];
      let bytes = 0;
      for (const row of read.iterate(after, upTo, prefix, prefixEnd(prefix) ?? beyondText)) {
        const change = toChange(row);
        changes.push(change);
        bytes += (change.value?.length ?? 0) + (change.previous?.length ?? 0);
        if (bytes >= readBytes) return { changes, upTo: change.revision };
      }
      return { changes, upTo };
    },
    /** Revisions with `after < revision <= upTo`, at most `limit`. */
    older: (after: number, upTo: number, limit: number) =>
      older.all(after, upTo, limit).map(row => row.revision as number),
    /** Of the rows with `after < revision <= upTo`: which rows at or below `floor` they point to. */
    pointers: (after: number, upTo: number, floor: number) =>
      pointers.all(after, upTo, floor).map(row => row.previous_revision as number),
    forget: (revision: number) => void forget.run(revision),
  };
}

function prepareState(db: DatabaseSync) {
  const newest = db.prepare('SELECT max(revision) AS revision FROM log');
  const number = db.prepare('SELECT value FROM number WHERE name = ?');
  const setNumber = db.prepare(
    'INSERT INTO number VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  );
  const folders = db.prepare('SELECT folder, lost FROM volatile_folder');
  const useFolder = db.prepare(
    'INSERT INTO volatile_folder VALUES (?, NULL) ON CONFLICT (folder) DO UPDATE SET lost = NULL',
  );
  const loseFolders = db.prepare('UPDATE volatile_folder SET lost = ? WHERE lost IS NULL');
  const forgetFolders = db.prepare('DELETE FROM volatile_folder WHERE lost <= ?');
  return {
    /** Newest revision in the log; 0 when it is empty. */
    newest: () => Number(newest.get()?.revision ?? 0),
    number: (name: 'compacted' | 'reserved') => Number(number.get(name)?.value ?? 0),
    setNumber: (name: 'compacted' | 'reserved', value: number) => void setNumber.run(name, value),
    /** Folders that have held volatile keys; `lost` undefined: in the run that wrote it last. */
    folders: () =>
      folders.all().map(row => ({ folder: row.folder as string, lost: (row.lost ?? undefined) as number | undefined })),
    useFolder: (folder: string) => void useFolder.run(folder),
    loseFolders: (revision: number) => void loseFolders.run(revision),
    forgetFolders: (revision: number) => void forgetFolders.run(revision),
  };
}

function toEntry(row: Row): Entry {
  return {
    key: row.key as string,
    value: row.value as Uint8Array,
    createRevision: row.create_revision as number,
    revision: row.revision as number,
  };
}

function toChange(row: Row): Change {
  return {
    revision: row.revision as number,
    key: row.key as string,
    value: (row.value ?? undefined) as Uint8Array | undefined,
    createRevision: row.create_revision as number,
    previous: (row.previous ?? undefined) as Uint8Array | undefined,
  };
}
