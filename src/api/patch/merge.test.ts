import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyMergePatch, mergePatchInto } from './merge.ts';

/** Some of RFC 7386's own. */
const cases: readonly (readonly [target: unknown, patch: unknown, result: unknown])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ['x', null, null],
];

for (const [target, patch, result] of cases) {
  test(`${JSON.stringify(target)} patched with ${JSON.stringify(patch)}`, () => {
    const before = structuredClone(target);
    assert.deepEqual(applyMergePatch(target, patch), result);
    assert.deepEqual(target, before, 'the target stays');
    assert.deepEqual(mergePatchInto(structuredClone(target), patch), result);
  });
}

test('a member that is named like a prototype is a member', () => {
  const patch = JSON.parse('{"__proto__":{"polluted":1},"a":{"__proto__":{"polluted":2}}}');
  for (const apply of [applyMergePatch, mergePatchInto]) {
    const result = apply({ a: {} }, patch) as Record<string, unknown>;
    assert.equal(JSON.stringify(result), '{"a":{"__proto__":{"polluted":2}},"__proto__":{"polluted":1}}');
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
    assert.equal(Object.getPrototypeOf(result), Object.prototype);
  }
});
