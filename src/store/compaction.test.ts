import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock, createRecordingLog } from '#base/testing';
import { startCompaction } from './compaction.ts';
import { openSqliteStore } from './sqlite/open.ts';
import { create } from './suite/harness.ts';

test('history is kept for as long as asked, then forgotten; an idle store is left alone', async () => {
  const clock = createFakeClock();
  const log = createRecordingLog();
  await using store = await openSqliteStore({ path: ':memory:', clock, log });
  await using _running = startCompaction({ store, clock, log, keepMs: 60_000, everyMs: 10_000 });
  await create(store, '/a');
  await clock.advance(30_000);
  await create(store, '/b');
  await clock.advance(30_000);
  assert.equal(store.stats().compacted, 1, 'only what was there at the start is a minute old');
  // Waits for the compaction under way, which arms the next timer.
  await store.compact(1);
  await clock.advance(0);
  await clock.advance(10_000);
  await store.compact(1);
  assert.equal(store.stats().compacted, 2);
  await clock.advance(600_000);
  await store.compact(1);
  assert.equal(store.stats().compacted, 3);
  assert.deepEqual(log.records, []);
});

test('stopping leaves no timer', async () => {
  const clock = createFakeClock();
  const log = createRecordingLog();
  await using store = await openSqliteStore({ path: ':memory:', clock, log });
  const running = startCompaction({ store, clock, log });
  assert.equal(running.ready(), undefined);
  await clock.advance(1);
  assert.equal(clock.pending, 1);
  await running[Symbol.asyncDispose]();
  assert.equal(clock.pending, 0);
});
