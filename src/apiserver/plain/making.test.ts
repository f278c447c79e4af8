import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Steps } from '#base';
import { createSystemClock } from '#base';
import { createMaking } from './making.ts';

/** A state that a test changes, and values that count how often they are made. */
function setUp() {
  const log: string[] = [];
  let state = { name: 'first' };
  const making = createMaking<{ name: string }, string>({ clock: createSystemClock(), current: () => state });
  const make = (value: string, onStep?: () => void) =>
    function* (of: { name: string }): Steps<string> {
      log.push(`begin ${value} of ${of.name}`);
      for (let step = 0; step < 3; step++) {
        const end = performance.now() + 4;
        while (performance.now() < end);
        yield;
      }
      onStep?.();
      log.push(`end ${value}`);
      return `${value} of ${of.name}`;
    };
  const change = (name: string) => {
    state = { name };
  };
  return { making, make, change, log };
}

test('who asks for the same waits for one making, and later ones have it at once', async () => {
  const { making, make, log } = setUp();
  const all = await Promise.all([1, 2, 3].map(() => making.get('a', make('a'))));
  assert.deepEqual(all, ['a of first', 'a of first', 'a of first']);
  assert.equal(making.get('a', make('a')), 'a of first');
  assert.deepEqual(log, ['begin a of first', 'end a']);
});

test('several are made one after the other, and others have turns in between', async () => {
  const { making, make, log } = setUp();
  const both = [making.get('a', make('a')), making.get('b', make('b'))];
  setImmediate(() => log.push('somebody else'));
  await Promise.all(both);
  assert.equal(log.filter(line => line !== 'somebody else').join(), 'begin a of first,end a,begin b of first,end b');
  assert.ok(log.indexOf('somebody else') < log.indexOf('end b'));
});

test('what changes while something is made is for those who ask afterwards', async () => {
  const { making, make, change, log } = setUp();
  let late: string | Promise<string> | undefined;
  let later: string | Promise<string> | undefined;
  const first = making.get(
    'a',
    make('a', () => {
      change('second');
      late ??= making.get('a', make('a'));
      change('third');
      later ??= making.get('a', make('a'));
    }),
  );
  assert.equal(await first, 'a of first');
  assert.equal(await late, 'a of third');
  assert.equal(await later, 'a of third');
  assert.equal(log.filter(line => line.startsWith('begin')).length, 2);
  assert.equal(making.get('a', make('a')), 'a of third');
});

test('a failure is told to all who wait, and tried anew for the next', async () => {
  const { making, make } = setUp();
  const fail = () => {
    throw new Error('gone');
  };
  const both = await Promise.allSettled([making.get('a', fail), making.get('a', fail)]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(await making.get('a', make('a')), 'a of first');
});
