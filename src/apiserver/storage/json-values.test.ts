import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyJson, isSameJson } from './json-values.ts';

const text =
  '{"a":[1,"two",null,{"b":{}},[[]]],"__proto__":{"x":1},"constructor":{"toString":"y"},"":{"é":true},"n":-0.5}';

test('a copy says the same, shares nothing, and leaves prototypes alone', () => {
  const value = JSON.parse(text);
  const copy = copyJson(value)!;
  assert.deepEqual(copy, value);
  assert.equal(JSON.stringify(copy), text);
  assert.equal(Object.getPrototypeOf(copy), Object.prototype);
  assert.deepEqual(Object.keys(copy), Object.keys(value));
  copy.a[3].b.more = 1;
  copy.constructor.toString = 'z';
  Object.getOwnPropertyDescriptor(copy, '__proto__')!.value.x = 2;
  assert.equal(JSON.stringify(value), text);
});

test('what is nested too deep is not copied, and not called the same', () => {
  const deep = () => JSON.parse('['.repeat(5000) + ']'.repeat(5000));
  assert.equal(copyJson(deep()), undefined);
  assert.equal(isSameJson(deep(), deep()), false);
});

const different: [string, string][] = [
  ['{"a":1}', '{"a":2}'],
  ['{"a":1}', '{"a":1,"b":2}'],
  ['{"a":1,"b":2}', '{"a":1}'],
  ['{"a":1}', '{"b":1}'],
  ['[1,2]', '[1]'],
  ['[1]', '{"0":1}'],
  ['{"0":1}', '[1]'],
  ['[]', '{}'],
  ['null', '{}'],
  ['{}', 'null'],
  ['"1"', '1'],
  ['{"toString":null}', '{}'],
  ['{"__proto__":{}}', '{}'],
];
test('sameness is that of what is said, in whatever order its members are', () => {
  assert.ok(isSameJson(JSON.parse('{"a":1,"b":{"c":[1,{}]}}'), JSON.parse('{"b":{"c":[1,{}]},"a":1}')));
  assert.ok(isSameJson(null, null));
  for (const [a, b] of different) assert.equal(isSameJson(JSON.parse(a), JSON.parse(b)), false, `${a} and ${b}`);
});
