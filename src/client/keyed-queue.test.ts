import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock, createRecordingLog } from '#base/testing';
import type { QueueOutcome } from './index.ts';
import { startQueue } from './index.ts';
import { settle } from './testing.ts';

function start(handle: (key: string, signal: AbortSignal) => Promise<QueueOutcome>, concurrency = 1) {
  const [clock, log] = [createFakeClock(), createRecordingLog()];
  return { clock, log, queue: startQueue({ name: 'test', concurrency, handle }, { clock, log }) };
}

test('a key added many times before its turn is handled once', async () => {
  const handled: string[] = [];
  const { queue } = start(async key => void handled.push(key));
  for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
  await settle();
  assert.deepEqual(handled, ['a', 'b']);
});

test('a key added while it is handled is handled once more, never twice at once', async () => {
  let [active, most, count] = [0, 0, 0];
  const gate = Promise.withResolvers<void>();
  const { queue } = start(async () => {
    most = Math.max(most, ++active);
    count++;
    await gate.promise;
    active--;
  }, 4);
  queue.add('a');
  await settle();
  queue.add('a');
  queue.add('a');
  gate.resolve();
  await settle();
  assert.deepEqual([most, count], [1, 2]);
});

test('no more keys run at once than the concurrency says', async () => {
  let [active, most] = [0, 0];
  const { queue } = start(async () => {
    most = Math.max(most, ++active);
    await settle(2);
    active--;
  }, 3);
  for (const key of 'abcdefgh') queue.add(key);
  await settle(50);
  assert.equal(most, 3);
  assert.equal(queue.length, 0);
});

test('a failing key comes back after a growing delay that a success resets', async () => {
  const times: number[] = [];
  let failing = true;
  const { clock, queue, log } = start(async () => {
    times.push(clock.monotonicMs());
    if (failing) throw new Error('no');
  });
  queue.add('a');
  await clock.advance(36);
  assert.deepEqual(times, [0, 5, 15, 35]);
  failing = false;
  await clock.advance(100);
  failing = true;
  times.length = 0;
  queue.add('a');
  await clock.advance(6);
  assert.deepEqual(times, [136, 141]);
  assert.equal(log.records.at(-1)?.message, 'work failed, will retry');
});

test('the earliest of several delayed additions wins, and an outcome can ask to come again', async () => {
  const times: number[] = [];
  const { clock, queue } = start(async () => {
    times.push(clock.monotonicMs());
    return times.length === 1 ? { afterMs: 100 } : undefined;
  });
  queue.addAfter('a', 50);
  queue.addAfter('a', 20);
  queue.addAfter('a', 70);
  await clock.advance(200);
  assert.deepEqual(times, [20, 120]);
});

test('disposing aborts what runs, drops what waits, and leaves no timer', async () => {
  const handled: string[] = [];
  const { clock, queue } = start(async (key, signal) => {
    handled.push(key);
    await new Promise(resolve => signal.addEventListener('abort', resolve));
  });
  queue.add('a');
  queue.add('b');
  queue.addAfter('c', 10);
  await settle();
  await queue[Symbol.asyncDispose]();
  assert.deepEqual([handled, clock.pending], [['a'], 0]);
});
