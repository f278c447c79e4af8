import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyJsonPatch, jsonPatchSteps, type PatchError } from './json.ts';

test('copies may add up to as much as a request, and no more', () => {
  const copy = { op: 'copy', from: '/list', path: '/list/-' };
  const doubled = applyJsonPatch({ list: ['a'] }, [copy, copy]);
  assert.deepEqual(doubled, { list: ['a', ['a'], ['a', ['a']]] });
  const doublings = Array.from({ length: 40 }, () => copy);
  assert.throws(
    () => applyJsonPatch({ list: ['a'] }, doublings),
    (error: PatchError) =>
      error.code === 'unprocessable' &&
      /^Unable to complete the copy, the accumulated size increase of copy is \d+, exceeding the limit 3145728$/.test(
        error.message,
      ),
  );
});

test('what is copied is no part of what it was copied from', () => {
  const patch = [
    { op: 'copy', from: '/a', path: '/b' },
    { op: 'add', path: '/b/x', value: 1 },
  ];
  assert.deepEqual(applyJsonPatch({ a: {} }, patch), { a: {}, b: { x: 1 } });
});

test('a patch can be stopped at between any two operations', () => {
  const steps = jsonPatchSteps({}, [
    { op: 'add', path: '/a', value: 1 },
    { op: 'add', path: '/b', value: 2 },
  ]);
  for (let count = 0; count < 3; count++) assert.equal(steps.next().done, false);
  assert.deepEqual(steps.next(), { done: true, value: { a: 1, b: 2 } });
});
