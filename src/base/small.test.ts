import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSmall } from './index.ts';

test('few values are small, however long their texts; many are not, however they are nested', () => {
  const chain = (levels: number) => {
    let value: unknown = 1;
    for (let level = 0; level < levels; level++) value = { a: value };
    return value;
  };
  for (const small of [null, 'a'.repeat(1_000_000), {}, Array(400).fill(0), chain(400)])
    assert.equal(isSmall(small), true);
  const nested = Array.from({ length: 30 }, () => Array(30).fill({}));
  for (const large of [Array(600).fill(0), chain(600), chain(100_000), nested]) assert.equal(isSmall(large), false);
});
