import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '#base';
import { parseJsonSteps } from './json-steps.ts';

function parse(text: string): { value: unknown; steps: number } {
  const work = parseJsonSteps(text);
  for (let steps = 0; ; steps++) {
    const step = work.next();
    if (step.done) return { value: step.value, steps };
  }
}

const text = 'x"\\{[,]}:é'.repeat(20);
const small = { a: 1, b: [true, null, -1.5e3], c: { d: text, '': {} }, '"{[,': '}' };
const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, small]));
const long = Array.from({ length: 20_000 }, (_, index) => (index % 3 ? index : { index }));
const values: Record<string, unknown> = {
  small,
  wide,
  long,
  'wide in long in wide': { x: 1, y: [small, wide, [], long, 'z'], z: { ...wide, deep: { long } }, end: [] },
  'lists in lists': [[[long]], [[]], [long, [long]]],
  'numbers as names': Object.fromEntries(long.map((_, index) => [String(20_000 - index), index])),
  'one long text': { a: text.repeat(1000), b: [text.repeat(1000)] },
};

for (const [name, value] of Object.entries(values)) {
  test(`${name} is read as JSON.parse reads it`, () => {
    for (const indent of [undefined, 2]) {
      const json = JSON.stringify(value, undefined, indent);
      const { value: read, steps } = parse(json);
      assert.equal(JSON.stringify(read), JSON.stringify(value));
      if (json.length > 100_000) assert.ok(steps > 0 || name === 'one long text', 'in several steps');
    }
  });
}

test('names that stand twice and names of prototypes are members', () => {
  const members = Array.from({ length: 5000 }, (_, index) => `"k${index % 2500}":${index}`).join(',');
  const json = `{"__proto__":{"a":1},${members},"long":${JSON.stringify(long)},"__proto__":${JSON.stringify(long)}}`;
  const { value } = parse(json);
  assert.equal(JSON.stringify(value), JSON.stringify(JSON.parse(json)));
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
});

test('what JSON.parse refuses is refused', () => {
  const json = JSON.stringify({ x: [wide, long], y: 1 });
  const bad = [
    json.slice(0, -1),
    `${json}}`,
    `${json},1`,
    `x${json}`,
    json.replace('"y"', ',"y"'),
    json.replace(',"y"', '"y"'),
    json.replace('"x":', ''),
    json.replace(/\}$/, ',}'),
    json.replace('],"y"', '},"y"'),
    json.replace('],"y"', ']1,"y"'),
    json.replace('{"x":[', '{"x":[,'),
    json.replace('{"x":[', '{"x" 1:['),
  ];
  for (const one of bad) {
    assert.notEqual(one, json);
    assert.throws(() => parse(one), SyntaxError, one.slice(0, 20));
  }
});

test('texts disturbed anywhere are read or refused as JSON.parse does', () => {
  const random = createRandom();
  const json = JSON.stringify({ a: wide, b: long.slice(0, 5000), c: [long.slice(0, 9000), small] });
  const characters = '{}[],:"\\ 1a';
  for (let round = 0; round < 40; round++) {
    const at = Math.floor(random.next() * json.length);
    const put = characters[Math.floor(random.next() * characters.length)]!;
    const disturbed = json.slice(0, at) + put + json.slice(at + Math.floor(random.next() * 2));
    let expected: string | undefined;
    try {
      expected = JSON.stringify(JSON.parse(disturbed));
    } catch {
      // Then it must be refused.
      assert.throws(() => parse(disturbed), SyntaxError, `${put} at ${at}`);
      continue;
    }
    assert.equal(JSON.stringify(parse(disturbed).value), expected, `${put} at ${at}`);
  }
});
