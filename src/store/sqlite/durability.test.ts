import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFakeClock, createRecordingLog } from '#base/testing';
import type { Store } from '../store.ts';
import { create, keysOf, recordWatch, text, withCode } from '../suite/harness.ts';
import { temporaryFolder } from '../suite/temporary.ts';
import { openDatabase } from './database.ts';
import type { SyncFile } from './disk.ts';
import { syncFile } from './disk.ts';
import { createStoreOn, openSqliteStore } from './open.ts';

const optionsFor = (path: string) => ({ path, clock: createFakeClock(), log: createRecordingLog() });

/** Counts syncs, and holds them back on demand. */
function createGate() {
  let opened = Promise.resolve();
  let entered: (() => void) | undefined;
  const gate = {
    syncs: 0,
    syncFile: (async (fd, file) => {
      gate.syncs += 1;
      entered?.();
      await opened;
      await syncFile(fd, file);
    }) satisfies SyncFile as SyncFile,
    /** Resolves once a sync waits at the closed gate. */
    close(): { reached: Promise<void>; open: () => void } {
      const { promise, resolve } = Promise.withResolvers<void>();
      opened = promise;
      return { reached: new Promise<void>(enter => (entered = enter)), open: resolve };
    },
  };
  return gate;
}

test('a write is acknowledged, read and watched only after it is synced', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'a.db');
  const gate = createGate();
  await using store = createStoreOn(openDatabase(path), optionsFor(path), gate);
  await create(store, '/a', 'old');
  using watch = recordWatch(store, { prefix: '/', after: 2 });
  const closed = gate.close();
  const told: string[] = [];
  const note = (what: string) => () => told.push(what);
  const writes = [create(store, '/b'), store.write({ key: '/a', value: undefined, expect: 2 })];
  await closed.reached;
  const waiting = [
    ...writes.map(write => write.then(note('write'))),
    store.get('/b').then(note('get of a new key')),
    store.get('/a').then(note('get of a deleted key')),
    store.list({ prefix: '/' }).then(note('list')),
    assert.rejects(create(store, '/b'), withCode('conflict')).then(note('conflict')),
  ];
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(
    { told, changes: watch.changes, revision: store.revision() },
    { told: [], changes: [], revision: 2 },
  );
  closed.open();
  await Promise.all(waiting);
  await watch.reached(4);
  assert.equal(told.length, waiting.length);
});

test('writes of one turn cost one sync, those that come during it one more', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'a.db');
  const gate = createGate();
  await using store = createStoreOn(openDatabase(path), optionsFor(path), gate);
  const closed = gate.close();
  const many = (name: string) => Array.from({ length: 100 }, (_, index) => create(store, `/${name}/${index}`));
  const first = many('first');
  await closed.reached;
  const second = many('second');
  closed.open();
  await Promise.all([...first, ...second]);
  assert.equal(gate.syncs, 2);
});

test('volatile writes and reads cost no sync, and write nothing to disk', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'a.db');
  const gate = createGate();
  await using store = createStoreOn(openDatabase(path), optionsFor(path), gate);
  await create(store, '/v/first', 'reserves', true);
  const before = { syncs: gate.syncs, bytes: store.stats().bytesWritten };
  for (let index = 0; index < 500; index++) await create(store, `/v/${index}`, 'x', true);
  await store.list({ prefix: '/' });
  assert.deepEqual({ syncs: gate.syncs, bytes: store.stats().bytesWritten }, before);
});

test('whatever instant the power fails, what was acknowledged is there', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'a.db');
  // A disk that keeps what was synced and nothing else: the worst that a power failure may leave.
  const disk = { main: Buffer.alloc(0), wal: Buffer.alloc(0) };
  const keep: SyncFile = async (_fd, file) => {
    const content = await readFile(file === 'main' ? path : `${path}-wal`);
    disk[file] = content;
  };
  const store = createStoreOn(openDatabase(path), optionsFor(path), { syncFile: keep, checkpointFrames: 60 });
  disk.main = await readFile(path);
  let opened = 0;
  for (let index = 0; index < 150; index++) {
    await Promise.all([create(store, `/k/${index}/a`, `${index}`), create(store, `/k/${index}/b`, 'x'.repeat(2000))]);
    if (index % 7 !== 0) continue;
    const copy = join(folder.path, `${index}.db`);
    await writeFile(copy, disk.main);
    await writeFile(`${copy}-wal`, disk.wal);
    await using survivor = await openSqliteStore(optionsFor(copy));
    assert.equal(survivor.revision(), store.revision());
    assert.equal((await keysOf(survivor, '/k/')).length, (index + 1) * 2);
    assert.equal(text((await survivor.get(`/k/${index}/a`))?.value), `${index}`);
    opened += 1;
  }
  assert.ok(opened > 20);
  await store[Symbol.asyncDispose]();
});

test('revisions do not go back after a crash even if the newest were volatile', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'a.db');
  await using store = await openSqliteStore(optionsFor(path));
  await create(store, '/d');
  for (let index = 0; index < 2500; index++) await create(store, `/v/${index % 9}`, 'x', true).catch(() => undefined);
  const revision = store.revision();
  const survivor = await crashCopy(store, path, join(folder.path, 'copy.db'));
  await using again = survivor;
  assert.ok(again.revision() >= revision, `${again.revision()} >= ${revision}`);
  assert.deepEqual(await keysOf(again, '/'), ['/d']);
  using watch = recordWatch(again, { prefix: '/d', after: 1 });
  await watch.reached(2);
  assert.throws(() => recordWatch(again, { prefix: '/v/', after: revision }), withCode('compacted'));
});

test('volatile keys of two restarts ago do not stand in the way of a watch from after them', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'a.db');
  const first = await openSqliteStore(optionsFor(path));
  await create(first, '/v/1', 'x', true);
  await first[Symbol.asyncDispose]();
  const second = await openSqliteStore(optionsFor(path));
  const revision = await create(second, '/d/1');
  await create(second, '/d/2');
  await second[Symbol.asyncDispose]();
  await using third = await openSqliteStore(optionsFor(path));
  using watch = recordWatch(third, { prefix: '/', after: revision });
  await watch.reached(revision + 1);
  assert.throws(() => recordWatch(third, { prefix: '/', after: 1 }), withCode('compacted'));
});

/** The store as another process would find it after `kill -9`. */
async function crashCopy(store: Store, path: string, copy: string): Promise<Store> {
  await store.list({ prefix: '' });
  await copyFile(path, copy);
  await copyFile(`${path}-wal`, `${copy}-wal`);
  return openSqliteStore(optionsFor(copy));
}

test('the write-ahead log starts over after a checkpoint, and bytes written are counted', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'a.db');
  await using store = createStoreOn(openDatabase(path), optionsFor(path), { checkpointFrames: 100 });
  for (let index = 0; index < 400; index++) await create(store, `/k/${index}`, 'x'.repeat(1000));
  const wal = (await readFile(`${path}-wal`)).length;
  assert.ok(wal < 140 * 4120, `${wal} bytes of log`);
  const { bytesWritten, sizeBytes } = store.stats();
  assert.ok(bytesWritten > 400 * 2 * 1000, `${bytesWritten} written`);
  assert.ok(sizeBytes > 400 * 2 * 1000 && sizeBytes < 3_000_000, `${sizeBytes} on disk`);
  await store.list({ prefix: '' });
  assert.equal(store.stats().bytesWritten, bytesWritten, 'reading writes nothing');
});

test('a long compaction does not let the write-ahead log grow', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'a.db');
  await using store = createStoreOn(openDatabase(path), optionsFor(path), { checkpointFrames: 50 });
  for (let round = 0; round < 300; round++) {
    await Promise.all(Array.from({ length: 30 }, (_, index) => create(store, `/k/${round}/${index}`, 'x'.repeat(300))));
  }
  const before = (await readFile(`${path}-wal`)).length;
  await store.compact(store.revision());
  const after = (await readFile(`${path}-wal`)).length;
  assert.ok(after <= before + 50 * 4120, `${before} bytes before, ${after} after`);
  assert.equal((await keysOf(store, '/')).length, 9000);
});

test('a history that outgrows its bound is compacted without being asked', async () => {
  await using folder = await temporaryFolder();
  await using store = await openSqliteStore({ ...optionsFor(join(folder.path, 'a.db')), retainRevisions: 100 });
  for (let index = 0; index < 1000; index++) await create(store, `/k/${index}`);
  await store.compact(1);
  const { compacted } = store.stats();
  assert.ok(compacted >= 850 && compacted < store.revision() - 80, `compacted to ${compacted}`);
  assert.equal((await keysOf(store, '/k/')).length, 1000);
});
