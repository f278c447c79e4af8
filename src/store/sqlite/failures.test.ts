import assert from 'node:assert/strict';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { createFakeClock, createRecordingLog } from '#base/testing';
import { StoreError } from '../store.ts';
import { bytes, create, keysOf, recordWatch, text, withCode } from '../suite/harness.ts';
import { temporaryFolder } from '../suite/temporary.ts';
import { openDatabase } from './database.ts';
import { createStoreOn, openSqliteStore } from './open.ts';

const optionsFor = (path: string) => ({ path, clock: createFakeClock(), log: createRecordingLog() });

/** Opening fails as `unavailable`, with the file and each of the words in the message. */
async function assertRefused(path: string, ...words: RegExp[]): Promise<void> {
  const error: unknown = await openSqliteStore(optionsFor(path)).then(
    () => undefined,
    reason => reason,
  );
  assert.ok(error instanceof StoreError, String(error));
  assert.equal(error.code, 'unavailable');
  for (const word of [...words, new RegExp(path)]) assert.match(error.message, word);
}

test('a second store on the same file is refused and does not disturb the first', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'a.db');
  await using store = await openSqliteStore(optionsFor(path));
  await create(store, '/a');
  for (let attempt = 0; attempt < 3; attempt++) await assertRefused(path, /another server has it open/);
  assert.equal(await create(store, '/b'), 3);
});

test('a file that is no database, or whose head is damaged, is refused with the remedy and left as it is', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'a.db');
  const noise = Buffer.from('this is no database file'.repeat(1000));
  await writeFile(path, noise);
  await assertRefused(path, /damaged/, /restore a backup/);
  assert.ok(noise.equals(await readFile(path)));
});

test('a page that is damaged later makes that read unavailable, with the remedy', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'a.db');
  const store = await openSqliteStore(optionsFor(path));
  for (let index = 0; index < 300; index++) await create(store, `/k/${index}`, 'x'.repeat(500));
  await store[Symbol.asyncDispose]();
  const file = await readFile(path);
  // Leaves the header and the schema whole, and the roots with them.
  file.fill(0xee, 4096 * 12, 4096 * 60);
  await writeFile(path, file);
  const damaged = openSqliteStore(optionsFor(path)).then(async again => {
    await using reading = again;
    await reading.list({ prefix: '' });
  });
  await assert.rejects(
    damaged,
    (error: unknown) => withCode('unavailable')(error) && /damaged.*backup/.test(`${error}`),
  );
});

test('an SQLite file of another program, or of a newer layout, is refused', async () => {
  await using folder = await temporaryFolder();
  const foreign = join(folder.path, 'foreign.db');
  const db = new DatabaseSync(foreign);
  db.exec('CREATE TABLE theirs (a)');
  db.close();
  await assertRefused(foreign, /another program/);
  const newer = join(folder.path, 'newer.db');
  await (await openSqliteStore(optionsFor(newer)))[Symbol.asyncDispose]();
  const later = new DatabaseSync(newer);
  later.exec('PRAGMA user_version = 99');
  later.close();
  await assertRefused(newer, /version 99/);
});

test('a directory that cannot be made or written is refused', async t => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, 'file'), '');
  await assertRefused(join(folder.path, 'file', 'a.db'), /ENOTDIR|EEXIST/);
  if (process.getuid?.() === 0) return t.diagnostic('modes do not bind root: only the first half was tried');
  await chmod(folder.path, 0o500);
  await assertRefused(join(folder.path, 'a.db'), /EACCES/);
  await chmod(folder.path, 0o700);
});

test('the file is readable by its owner only', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'deep', 'a.db');
  await using store = await openSqliteStore(optionsFor(path));
  await create(store, '/a');
  for (const file of [path, `${path}-wal`]) assert.equal((await stat(file)).mode & 0o777, 0o600, file);
});

test('a full disk refuses writes as unavailable, loses nothing, and works again when there is room', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'a.db');
  const db = openDatabase(path);
  db.exec('PRAGMA max_page_count = 40');
  await using store = createStoreOn(db, optionsFor(path));
  using watch = recordWatch(store, { prefix: '/', after: 1 });
  await create(store, '/v/0', 'x', true);
  const written: string[] = [];
  const fill = async () => {
    for (;;) {
      await create(store, `/k/${written.length}`, 'x'.repeat(3000));
      written.push(`/k/${written.length}`);
    }
  };
  await assert.rejects(fill(), (error: unknown) => withCode('unavailable')(error) && /full.*room/.test(`${error}`));
  const full = store.revision();
  const mixed = await Promise.allSettled([
    create(store, '/k/more', 'x'.repeat(9000)),
    create(store, '/v/1', 'small', true),
  ]);
  assert.deepEqual(
    mixed.map(result => result.status),
    ['rejected', 'fulfilled'],
    'what needs no disk goes on',
  );
  assert.deepEqual((await keysOf(store, '/k/')).length, written.length);
  db.exec('PRAGMA max_page_count = 4000');
  assert.equal(await create(store, '/k/more', 'x'.repeat(9000)), full + 2);
  await watch.reached(full + 2);
  assert.deepEqual(
    watch.changes.map(change => change.revision),
    Array.from({ length: full + 1 }, (_, index) => index + 2),
  );
});

test('a sync that fails fails the writes, ends the watches, and the store stays unavailable until opened again', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'a.db');
  let broken = false;
  const syncFile = async () => {
    if (broken) throw new Error('EIO: i/o error, fdatasync');
  };
  const store = createStoreOn(openDatabase(path), optionsFor(path), { syncFile });
  using watch = recordWatch(store, { prefix: '/', after: 1 });
  await create(store, '/a', 'durable');
  await watch.reached(2);
  broken = true;
  const failed = create(store, '/b');
  const read = new Promise((resolve, reject) => setImmediate(() => store.get('/b').then(resolve, reject)));
  await Promise.all([failed, read].map(each => assert.rejects(each, withCode('unavailable'))));
  broken = false;
  await assert.rejects(
    create(store, '/c'),
    (error: unknown) => withCode('unavailable')(error) && /restart/.test(`${error}`),
  );
  await assert.rejects(store.get('/a'), withCode('unavailable'));
  assert.equal(store.revision(), 2);
  assert.ok(withCode('unavailable')(watch.error));
  assert.equal(watch.changes.length, 1, 'what is not known to be durable was not shown');
  await store[Symbol.asyncDispose]();
  await using again = await openSqliteStore(optionsFor(path));
  assert.equal(text((await again.get('/a'))?.value), 'durable');
  assert.deepEqual(await again.write({ key: '/a', value: bytes('x'), expect: 2 }), { revision: again.revision() });
});
