import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from './store.ts';
import { VolatileKeys } from './volatile.ts';

const change = (revision: number, key: string, sizeBytes = 1): Change => {
  return { revision, key, value: new Uint8Array(sizeBytes), createRevision: revision, previous: undefined };
};

test('a full history forgets its older half and raises the floor of the folders concerned only', () => {
  const keys = new VolatileKeys(new Map());
  keys.apply(change(2, '/quiet/1'));
  for (let revision = 3; revision < 40_000; revision++) keys.apply(change(revision, `/busy/${revision % 10}`));
  assert.equal(keys.floor('/quiet/'), 2);
  assert.equal(keys.floor('/other/'), 0);
  const floor = keys.floor('/busy/');
  assert.ok(floor > 15_000 && floor < 39_000, `${floor}`);
  assert.equal(keys.floor('/'), floor);
  const after = keys.changes('/busy/', floor, 50_000);
  assert.deepEqual([after[0]?.revision, after.at(-1)?.revision], [floor + 1, 39_999]);
});

test('history is bounded in bytes too', () => {
  const keys = new VolatileKeys(new Map());
  for (let revision = 2; revision < 100; revision++) keys.apply(change(revision, '/big/1', 1024 * 1024));
  assert.ok(keys.changes('/big/', 1, 100).length <= 16);
  assert.equal(keys.range('/big/', '', 0).length, 1);
});

test('what is kept does not keep the buffer that it came in', () => {
  const keys = new VolatileKeys(new Map());
  const chunk = new Uint8Array(65_536).fill(7);
  keys.apply({ ...change(2, '/leases/1'), value: chunk.subarray(100, 110) });
  const kept = keys.get('/leases/1')!.value;
  assert.deepEqual(kept, new Uint8Array(10).fill(7));
  assert.equal(kept.buffer.byteLength, 10);
  assert.equal(keys.changes('/leases/', 1, 2)[0]!.value, kept);
});
