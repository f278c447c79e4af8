import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atOnce } from '#base';
import { jsonBytesSteps, jsonTextSteps } from './json-text.ts';

/** Both forms say the same. */
function write(value: unknown): { text: string; steps: number } {
  const work = jsonTextSteps(value);
  for (let steps = 0; ; steps++) {
    const step = work.next();
    if (!step.done) continue;
    assert.equal(Buffer.concat(atOnce(jsonBytesSteps(value))).toString(), step.value);
    return { text: step.value, steps };
  }
}

const wide = Object.fromEntries(
  Array.from({ length: 5000 }, (_, index) => [`näme "${index}"`, { index, text: 'a\nb' }]),
);

for (const [name, value] of [
  ['a text', 'some "text"'],
  ['nothing', null],
  ['an empty object', {}],
  ['a small object', { a: [1, { b: undefined, c: null }] }],
  ['a wide object', wide],
  ['a list of wide objects', [wide, [], {}, wide]],
  ['members that are undefined', { a: undefined, ...wide, b: undefined }],
  ['items that are undefined', [undefined, ...Object.values(wide), undefined]],
  ['numbers as names', { 2: 'b', 1: 'a', ...wide }],
] as const) {
  test(`${name} is written as JSON.stringify writes it`, () => {
    assert.equal(write(value).text, JSON.stringify(value));
  });
}

test('a value of 20,000 levels is written', () => {
  let value: unknown = 'inside';
  for (let level = 0; level < 20_000; level++) value = level % 2 ? [value] : { a: value };
  const { text } = write(value);
  assert.equal(text.length, '"inside"'.length + 10_000 * 2 + 10_000 * '{"a":}'.length);
});

test('a large value takes many steps', () => {
  assert.ok(write(wide).steps > 3);
  assert.equal(write({ a: 1 }).steps, 0);
});
