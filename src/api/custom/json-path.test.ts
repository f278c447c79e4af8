import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonPathError, parseJsonPath } from './json-path.ts';

const object = {
  a: { b: 1, 'x.y': 2, "it's": 3 },
  list: [
    { name: 'one', n: 1, ok: true },
    { name: 'two', n: 2 },
    { name: 'three', n: 3, a: 9 },
  ],
};
const table: [string, unknown[]][] = [
  ['.a.b', [1]],
  ['$.a.b', [1]],
  ['.a.x\\.y', [2]],
  [".a['x.y']", [2]],
  ['.a["it\'s"]', [3]],
  ['.none.b', []],
  ['.list[0].name', ['one']],
  ['.list[-1].name', ['three']],
  ['.list[1:].n', [2, 3]],
  ['.list[0:3:2].n', [1, 3]],
  ['.list[*].n', [1, 2, 3]],
  ['.list[0,2].n', [1, 3]],
  ['.list[?(@.name=="two")].n', [2]],
  ['.list[?(@.n>=2)].n', [2, 3]],
  ['.list[?(@.ok)].n', [1]],
  ['.list[?(@.ok==true)].n', [1]],
  ['..n', [1, 2, 3]],
  ['.a.*', [1, 2, 3]],
  ['.', [object]],
];
for (const [path, expected] of table) {
  test(`path ${path}`, () => assert.deepEqual(parseJsonPath(path)(object), expected));
}
for (const path of ['a', '.a[', '.a[x]', '.a[?(x==1)]', '.a[0:2:-1]']) {
  test(`${path} is no path`, () => assert.throws(() => parseJsonPath(path), JsonPathError));
}

test('a descent into a deep and wide object ends', () => {
  let deep: unknown = {};
  for (let level = 0; level < 5000; level++) deep = { a: deep };
  assert.ok(parseJsonPath('..a')(deep).length <= 10_000);
  const wide = { list: Array.from({ length: 200_000 }, (_, a) => ({ a })) };
  assert.ok(parseJsonPath('..a')(wide).length <= 10_000);
});
