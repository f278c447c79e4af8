import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock, createRecordingLog } from '#base/testing';
import { openSqliteStore } from './sqlite/open.ts';
import { create, recordWatch } from './suite/harness.ts';

test('a callback that throws is logged and disturbs neither the writer nor other watches', async () => {
  const log = createRecordingLog();
  const clock = createFakeClock();
  await using store = await openSqliteStore({ path: ':memory:', clock, log });
  const { signal } = new AbortController();
  const fail = () => {
    throw new Error('broken');
  };
  store.watch({ prefix: '/', after: 1, signal, onChanges: fail, onError: () => undefined });
  using other = recordWatch(store, { prefix: '/', after: 1 });
  await create(store, '/a');
  await other.reached(2);
  assert.deepEqual(
    log.records.map(record => record.message),
    ['a watch callback threw'],
  );
});

test('progress is told once for a quiet watch, and no timer runs while nothing changes', async () => {
  const clock = createFakeClock();
  await using store = await openSqliteStore({ path: ':memory:', clock, log: createRecordingLog() });
  using watch = recordWatch(store, { prefix: '/a/', after: 1 });
  await clock.advance(5000);
  assert.equal(clock.pending, 0);
  for (let index = 0; index < 10; index++) await create(store, `/b/${index}`);
  await clock.advance(1000);
  assert.deepEqual(watch.progress, [11]);
  await clock.advance(5000);
  assert.deepEqual(watch.progress, [11]);
  assert.equal(clock.pending, 0);
});
