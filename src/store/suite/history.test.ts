import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change, Entry } from '../store.ts';
import { bytes } from './harness.ts';
import type { Operation } from './history.ts';
import { checkHistory } from './history.ts';

const change = (revision: number, value: string | undefined, createRevision: number, previous?: string): Change => ({
  revision,
  key: '/a',
  value: value === undefined ? undefined : bytes(value),
  createRevision,
  previous: previous === undefined ? undefined : bytes(previous),
});
const entry = (revision: number, value: string): Entry => ({
  key: '/a',
  value: bytes(value),
  createRevision: 2,
  revision,
});
const write = (start: number, end: number, revision: number, value: string, expect: number): Operation => {
  return { kind: 'write', key: '/a', value, expect, revision, start, end };
};
const get = (start: number, end: number, seen: Entry | undefined): Operation => {
  return { kind: 'get', key: '/a', entry: seen, start, end };
};

/** /a is made at 2 during ticks 0 to 1, changed at 3 during 4 to 7, deleted at 4 during 10 to 11. */
const changes = [change(2, 'one', 2), change(3, 'two', 2, 'one'), change(4, undefined, 2, 'two')];
const remove: Operation = { kind: 'write', key: '/a', value: undefined, expect: 3, revision: 4, start: 10, end: 11 };
const writes = [write(0, 1, 2, 'one', 0), write(4, 7, 3, 'two', 2), remove];

test('a history in which every answer was true at some instant has no problems', () => {
  const reads = [
    get(2, 3, entry(2, 'one')),
    get(5, 6, entry(2, 'one')),
    get(5, 6, entry(3, 'two')),
    get(12, 13, undefined),
  ];
  const listing = { revision: 3, entries: [entry(3, 'two')], more: false };
  const list: Operation = { kind: 'list', prefix: '/a', listing, start: 8, end: 9 };
  const conflict: Operation = { kind: 'conflict', key: '/a', expect: 9, entry: entry(3, 'two'), start: 8, end: 9 };
  assert.deepEqual(checkHistory([...writes, ...reads, list, conflict], changes), []);
});

const lies: [name: string, operations: Operation[], log: Change[], problem: RegExp][] = [
  ['an acknowledged write that is not in the log', writes, changes.slice(0, 2), /write 4 is lost/],
  ['two winners', [...writes, write(4, 7, 5, 'x', 2)], [...changes, change(5, 'x', 5)], /expected 2 but met 0/],
  ['a stale read', [...writes, get(8, 9, entry(2, 'one'))], changes, /stale, 3 was known/],
  ['a stale absence', [...writes, get(2, 3, undefined)], changes, /saw the future/],
  ['a read of the future', [...writes, get(2, 3, entry(3, 'two'))], changes, /saw the future/],
  ['a value nobody wrote', [...writes, get(8, 9, entry(3, 'three'))], changes, /never written/],
  ['reads that go back', [...writes, get(5, 5.4, entry(3, 'two')), get(5.5, 6, entry(2, 'one'))], changes, /stale/],
  ['writes against real time', [write(0, 1, 3, 'two', 2), write(2, 3, 2, 'one', 0)], changes, /stale/],
  ['a log that goes back', [], [change(3, 'a', 3), change(2, 'b', 3, 'a')], /comes after/],
  ['a wrong value before', [], [change(2, 'a', 2), change(3, 'b', 2, 'x')], /wrong value before/],
  ['a wrong createRevision', [], [change(2, 'a', 2), change(3, 'b', 3, 'a')], /wrong createRevision/],
];

for (const [name, operations, log, problem] of lies) {
  test(`${name} is found`, () => assert.match(checkHistory(operations, log).join('\n'), problem));
}

test('a listing that mixes two moments is found', () => {
  const listing = { revision: 4, entries: [entry(3, 'two')], more: false };
  const list: Operation = { kind: 'list', prefix: '/', listing, start: 12, end: 13 };
  assert.match(checkHistory([...writes, list], changes).join(), /the log says/);
});

test('a conflict without reason is found', () => {
  const conflict: Operation = { kind: 'conflict', key: '/a', expect: 3, entry: entry(3, 'two'), start: 8, end: 9 };
  assert.match(checkHistory([...writes, conflict], changes).join(), /without reason/);
});
