import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom, createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import { openSqliteStore } from '#store';
import { createStoreLock } from './store-lock.ts';

const clock = createSystemClock();

async function openServers(names: readonly string[]) {
  const log = createRecordingLog();
  const store = await openSqliteStore({ path: ':memory:', clock, log });
  const random = createRandom();
  const locks = names.map(holder => createStoreLock('/registry/locks/x', { store, holder, clock, random, log }));
  return { store, locks, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

test('of several servers only one has the lock, whose requests have it together', async () => {
  await using servers = await openServers(['a', 'b', 'c']);
  const inside = [0, 0, 0];
  let [turns, most] = [0, 0];
  const work = async (index: number) => {
    const lock = servers.locks[index]!;
    for (let round = 0; round < 20; round++) {
      await lock.enter();
      inside[index]! += 1;
      turns += 1;
      most = Math.max(most, inside[index]!);
      assert.equal(inside.filter(count => count > 0).length, 1, 'nobody else is in');
      await new Promise(resolve => setImmediate(resolve));
      inside[index]! -= 1;
      lock.leave();
    }
  };
  await Promise.all([0, 1, 2, 0, 1, 2].map(work));
  assert.equal(turns, 120);
  assert.ok(most > 1, 'requests of one server did not wait for each other');
});

test('the lock is free when the last request has left, and its revision is what was written before', async () => {
  await using servers = await openServers(['a', 'b']);
  const [a, b] = servers.locks;
  const first = await a!.enter();
  await a!.enter();
  a!.leave();
  const { revision } = await servers.store.write({ key: '/registry/things/x', value: Buffer.from('{}'), expect: 0 });
  a!.leave();
  const second = await b!.enter();
  assert.ok(first < revision && revision < second, `${first} < ${revision} < ${second}`);
  b!.leave();
});
