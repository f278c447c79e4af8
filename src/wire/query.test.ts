import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTrue } from './query.ts';

test('a parameter is true unless it is absent, false or 0, however a client spells it', () => {
  for (const value of ['true', 'True', '1', '', 'yes']) assert.equal(isTrue(value), true, value);
  for (const value of [null, 'false', 'False', '0']) assert.equal(isTrue(value), false, String(value));
});
