import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { prettyJson, prettySteps } from './pretty.ts';
import { yamlItemSteps, yamlPieces, yamlSteps, yamlText } from './yaml-text.ts';

const values: readonly unknown[] = [
  {},
  [],
  null,
  'x',
  5,
  { a: [] },
  { a: {}, b: [{}], c: [[1, [2]], []] },
  { list: [{ b: 1, a: { c: ['x', null, true] } }, 'y'] },
  { yes: 'no', '1': '1', true: 'true', '': '', '~': '~', ' a': ' a ', 'a: b': '- c', '#': '# x', 'k-8/s.io': 'v1.2' },
  {
    text: 'two\nlines\n',
    tab: '\t',
    quote: '"\'',
    unicode: '\u2028é😀',
    time: '2026-01-01T00:00:00Z',
    hex: '0x1f',
    e: '1e3',
  },
  { '.5': '.5', '=': '=', '<<': '<<', null: null, N: 'N', inf: '.inf', big: 1e21, negative: -0.5 },
];

for (const value of values) {
  test(`${JSON.stringify(value)} reads back as it was`, () => {
    for (const version of ['1.1', '1.2'] as const) {
      assert.deepEqual(
        parse(yamlText(value), { version, merge: false }),
        JSON.parse(JSON.stringify(value)),
        yamlText(value),
      );
    }
  });
}

test('keys are in order, and lists stand under their key', () => {
  const text = yamlText({ b: [{ d: 1, c: 'x' }], a: '1' });
  assert.equal(text, 'a: "1"\nb:\n- c: x\n  d: 1\n');
});

test('large values in steps are what they are at once', () => {
  const deep = { a: [{ b: [[{ c: { d: [1, { e: { f: [{ g: { h: 1 } }] } }] } }], []], z: {} }], 'x: y': null };
  for (const value of [...values, deep, [deep, deep], { list: [[deep]] }]) {
    const read = <T>(work: Generator<void, T>): T => {
      for (;;) {
        const step = work.next();
        if (step.done) return step.value;
      }
    };
    assert.equal(read(yamlSteps(value)), yamlText(value));
    assert.equal(read(prettySteps(value)), prettyJson(value));
    if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) continue;
    const pieces = yamlPieces({}, 'items');
    assert.equal(read(yamlItemSteps(value)), pieces.item(value));
  }
});

test('a list in pieces is what it is in one', () => {
  const around = { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '5' } };
  for (const items of [[], [{ b: [1, { c: 2 }], a: {} }, { x: 'y' }], ['a', {}, []]]) {
    const pieces = yamlPieces(around, 'items');
    const text = pieces.head(items.length === 0) + items.map(pieces.item).join('') + pieces.tail;
    assert.equal(text, yamlText({ ...around, items }));
  }
});
