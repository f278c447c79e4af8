import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRestartBackoff, formatSeconds } from './restart-backoff.ts';

const minute = 60_000;

/** A container that runs for `ranMs` each time and is started again as soon as it may. */
function delaysOf(runs: number, ranMs: number): number[] {
  const backoff = createRestartBackoff();
  let nowMs = 0;
  return Array.from({ length: runs }, () => {
    nowMs += ranMs;
    const leftMs = backoff.leftMs('app', nowMs, nowMs);
    const endedAtMs = nowMs;
    nowMs += leftMs;
    backoff.next('app', endedAtMs, nowMs);
    return leftMs / 1000;
  });
}

test('the first restart is at once, then 10 seconds doubling to five minutes', () => {
  assert.deepEqual(delaysOf(9, 1000), [0, 10, 20, 40, 80, 160, 300, 300, 300]);
});

test('a container that ran for more than ten minutes begins anew', () => {
  assert.deepEqual(delaysOf(4, 10 * minute + 1000), [0, 0, 0, 0]);
  assert.deepEqual(delaysOf(4, 9 * minute), [0, 10, 20, 40]);
});

test('the delay counts from the end of the container', () => {
  const backoff = createRestartBackoff();
  backoff.next('app', 0, 1000);
  assert.equal(backoff.leftMs('app', 5000, 8000), 7000);
  assert.equal(backoff.leftMs('app', 5000, 15_000), 0);
  assert.equal(backoff.delayMs('app'), 10_000);
});

test('keys are apart, and a prefix forgets its own', () => {
  const backoff = createRestartBackoff();
  backoff.next('pod1_a', 0, 0);
  backoff.next('pod2_a', 0, 0);
  backoff.forget('pod1_');
  assert.equal(backoff.leftMs('pod1_a', 0, 0), 0);
  assert.equal(backoff.leftMs('pod2_a', 0, 0), 10_000);
});

test('delays are written as Go does', () => {
  assert.deepEqual([10_000, 40_000, 60_000, 80_000, 160_000, 300_000].map(formatSeconds), [
    ...['10s', '40s', '1m0s', '1m20s', '2m40s', '5m0s'],
  ]);
});
