import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRequirements, parseLabelSelector } from './selectors.ts';

const cases: readonly (readonly [selector: string, matching: object[], others: object[]])[] = [
  ['', [{}, { a: 'b' }], []],
  ['a=b', [{ a: 'b', c: 'd' }], [{}, { a: 'c' }]],
  ['a!=b', [{}, { a: 'c' }], [{ a: 'b' }]],
  ['a!=b,a!=c', [{}, { a: 'd' }], [{ a: 'b' }, { a: 'c' }]],
  ['a notin (b,c),!d', [{}, { a: 'd' }], [{ a: 'c' }, { d: '' }, { d: 'x' }]],
  ['a in (b,c),d', [{ a: 'b', d: '' }], [{ a: 'b' }, { d: '' }, { a: 'd', d: '' }]],
  ['!a,a notin (b)', [{}], [{ a: 'b' }, { a: 'c' }]],
  ['a>5,a<7', [{ a: '6' }], [{}, { a: '5' }, { a: 'x' }]],
  ['a notin (b),a', [{ a: 'c' }], [{}, { a: 'b' }]],
];

for (const [selector, matching, others] of cases) {
  test(`${selector || 'nothing'} selects what it should`, () => {
    const selects = compileRequirements(parseLabelSelector(selector)) as (labels: object) => boolean;
    for (const labels of matching) assert.equal(selects(labels), true, JSON.stringify(labels));
    for (const labels of others) assert.equal(selects(labels), false, JSON.stringify(labels));
  });
}
