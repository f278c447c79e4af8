import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonTextSteps } from '#api';
import type { Steps } from '#base';
import { copyJsonSteps, isSameJsonSteps } from './json-steps.ts';

function run<T>(steps: Steps<T>): { value: T; count: number } {
  for (let count = 1; ; count++) {
    const step = steps.next();
    if (step.done) return { value: step.value, count };
  }
}

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
const wide = (count: number, value: unknown) => Object.fromEntries(times(count, index => [`name-${index}`, value]));

/** Texts, because each use needs values of its own. */
const texts: Record<string, string> = {
  'a text': '"text"',
  nothing: 'null',
  'a small object': '{"a":[1,{"b":null}],"__proto__":{"x":1}}',
  'an empty list': '[]',
  'many members': JSON.stringify({ metadata: { name: 'x' }, spec: wide(9000, 'text') }),
  'many items': JSON.stringify(times(9000, index => index)),
  'many small objects': JSON.stringify({ list: times(3000, index => ({ a: index, b: [] })), last: true }),
  'large parts in large parts': JSON.stringify(times(5, () => ({ first: 1, part: wide(2500, [1, {}]), last: [] }))),
  'strange names': `{"__proto__":${JSON.stringify(wide(2500, 1))},"constructor":[${times(2500, () => '{}')}],"":0}`,
  'numbers as names': `{${times(3000, index => `"${index * 7}":${index}`)}}`,
  'many levels': '{"a":'.repeat(3000) + '[]' + '}'.repeat(3000),
};

for (const [name, text] of Object.entries(texts)) {
  test(`${name}: text, copy and comparison are what they are in one step`, () => {
    const value = JSON.parse(text);
    assert.equal(run(jsonTextSteps(value)).value, text);
    assert.equal(run(isSameJsonSteps(value, JSON.parse(text))).value, true);
    assert.equal(run(isSameJsonSteps(value, JSON.parse(`[${text}]`))).value, false);
    if (typeof value !== 'object' || value === null) return;
    const copy = run(copyJsonSteps(value)).value;
    assert.equal(JSON.stringify(copy), text);
    assert.notEqual(copy, value);
  });
}

test('a large value takes many steps, a small one a single step', () => {
  const large = { spec: wide(50_000, 'text') };
  for (const { count } of [run(jsonTextSteps(large)), run(copyJsonSteps(large))]) assert.ok(count > 20, String(count));
  assert.ok(run(isSameJsonSteps(large, structuredClone(large))).count > 40);
  assert.equal(run(jsonTextSteps({ a: [1] })).count, 1);
});

test('a copy shares nothing with what it was made of', () => {
  const value = JSON.parse(texts['large parts in large parts']!);
  const copy = run(copyJsonSteps(value)).value as typeof value;
  copy[4].part['name-2400'][1].more = 1;
  copy[0].last.push(1);
  assert.equal(JSON.stringify(value), texts['large parts in large parts']);
});

const changes: Record<string, (value: ReturnType<typeof makeLarge>) => void> = {
  'another text': ({ spec }) => Object.assign(spec, { 'name-4000': 'other' }),
  'a member more': ({ spec }) => Object.assign(spec, { more: 1 }),
  'a member less': ({ spec }) => Reflect.deleteProperty(spec, 'name-4000'),
  'another name': ({ spec }) => {
    delete spec['name-1'];
    spec['name-x'] = 'text';
  },
  'another item': ({ list }) => list.splice(2900, 1, { a: 0 }),
  'an item less': ({ list }) => list.pop(),
  'an item more': ({ list }) => list.push({ a: 1 }),
  'something else at all': ({ spec }) => Object.assign(spec, { 'name-7': { a: 1 } }),
};

function makeLarge() {
  return { spec: wide(5000, 'text') as Record<string, unknown>, list: times(3000, () => ({ a: 1 })) };
}

for (const [name, change] of Object.entries(changes)) {
  test(`${name} is told from what was there, whichever side has it`, () => {
    const [before, after] = [makeLarge(), makeLarge()];
    change(after);
    assert.equal(run(isSameJsonSteps(before, after)).value, false);
    assert.equal(run(isSameJsonSteps(after, before)).value, false);
  });
}

test('the order of members is no difference, and a member that is undefined is none', () => {
  const value: Record<string, unknown> = wide(5000, 1);
  const turned = { nothing: undefined, ...Object.fromEntries(Object.entries(value).reverse()) };
  assert.equal(run(isSameJsonSteps(value, turned)).value, true);
  assert.equal(run(isSameJsonSteps(turned, value)).value, true);
  assert.equal(run(jsonTextSteps({ ...value, nothing: undefined })).value, JSON.stringify(value));
  assert.equal(run(isSameJsonSteps({ a: { b: undefined } }, { a: {} })).value, true);
});
