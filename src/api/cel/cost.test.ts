import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileCel } from './index.ts';
import { upstreamCosts } from './testing-cel.ts';
import { dynType, intType, listType, mapType, objectType, stringType } from './types.ts';

/** Numbers of upstream's library/cost_test.go (plans without constant folding): expression, least and largest estimate, actual cost. */
const upstream: readonly (readonly [expression: string, min: number, max: number, actual: number])[] = [
  ['[1, 2, 3, 4, 5].sum()', 15, 15, 15],
  ['[uint(1), uint(2), uint(3), uint(4), uint(5)].sum()', 20, 20, 20],
  ["['012345678901', '012345678901', '012345678901', '012345678901', '012345678901'].isSorted()", 15, 25, 15],
  [
    "[bytes('012345678901'), bytes('012345678901'), bytes('012345678901'), bytes('012345678901'), bytes('012345678901')].max()",
    25,
    35,
    25,
  ],
  ["['012345678901', '012345678901', '012345678901', '012345678901', '012345678901'].indexOf('x')", 15, 25, 15],
  ["'01234567890123456789012345678901234567890123456789'.indexOf('123')", 5, 5, 5],
  ["url('https:://kubernetes.io/').getScheme()", 4, 4, 4],
  ["url('https:://kubernetes.io/') == url('https:://kubernetes.io/')", 7, 9, 7],
  ["url('https:://kubernetes.io/') == url('http://x.b')", 5, 5, 5],
  ["ip('192.168.0.1')", 2, 2, 2],
  ["ip('2001:db8:3333:4444:5555:6666:7777:8888').family()", 5, 5, 5],
  ["ip('192.168.0.1') == ip('192.168.0.1')", 5, 5, 5],
  ["authorizer.path('/healthz').check('get').allowed()", 350_003, 350_003, 350_003],
  ["authorizer.group('apps').resource('deployments').check('get').allowed()", 350_004, 350_004, 350_004],
  ['sets.contains([], [])', 21, 21, 21],
  ['sets.contains([1], [])', 21, 21, 21],
  ['sets.contains([1], [1])', 22, 22, 22],
  ['sets.contains([1, 2, 3, 4], [2, 3])', 29, 29, 29],
  ['sets.equivalent([1], [1])', 23, 23, 23],
];

describe('costs are those of upstream', () => {
  for (const [expression, min, max, actual] of upstream) {
    it(expression, () => assert.deepEqual(upstreamCosts(expression), { min, max, actual }));
  }
});

/** Actual costs of cel-go's interpreter/runtimecost_test.go, also without folding; the estimate must hold them. */
const interpreter: readonly (readonly [expression: string, actual: number])[] = [
  ['2 in [1, 2, 3]', 13],
  ['size("123")', 1],
  ["'12345678901234567890' == '123456789012345678901234567890'", 2],
  ['true ? false : 1 > 3', 0],
  ['(1 > 2 ? 5 : 3) > 1', 2],
  ['(1 > 2 || 2 > 1) == true', 3],
  ['[1, 2, 3].all(x, true)', 20],
  ["'123'.matches('[0-9]')", 2],
  ["[{'k1': 1}, {'k2': 2}].all(x, true)", 77],
  ['[1,2,3,4,5].filter(x, x % 2 == 0)', 62],
  ['[1,2,3,4,5].map(x, x)', 86],
  ['[1,2,3,4,5].map(x, x).filter(x, x % 2 == 0)', 138],
  ['[1,2,3,4,5].map(x, x).exists(x, x == 5) == true', 118],
  ['[1,2,3,4,5].map(x, x).map(x, x)', 162],
  ['[1,2,3,4,5].map(x, [x, x]).filter(z, z.size() == 2)', 232],
  ['[1,2,3,4,5].map(x, [x, x]).all(y, y.all(y, y == 1))', 171],
  ['[1,2,3,4,5].map(x, x).map(x, x) + [1]', 173],
  ['[1,2,3].all(i, i in [1,2,3].map(j, j + j))', 86],
];

describe('costs are those of the interpreter', () => {
  for (const [expression, expected] of interpreter) {
    it(expression, () => {
      const { min, max, actual } = upstreamCosts(expression);
      assert.equal(actual, expected);
      assert.ok(min <= actual && actual <= max, `${min}..${max}`);
    });
  }
});

/** Folded plans, as servers run them; the sums follow cel-go's rules, which the comments of the sources name. */
const folded: readonly (readonly [expression: string, cost: number])[] = [
  ['self.a.b', 3],
  ['self.a.b == 1', 4],
  ['has(self.a.b)', 2],
  ['has(self.absent)', 1],
  ['self.list[0]', 3],
  ['self.list[self.a.zero]', 5],
  ['self.list[self.a.zero + 1]', 1 + 4 + 1 + 1],
  ['self.?absent.orValue(1)', 1],
  ['self.?a.hasValue()', 3],
  ['[1, 2, 3][0]', 2],
  ['1 in [1, 2, 3]', 0],
  ['self.a.b in [1, 2, 3]', 3],
  ['self.a.b in self.list', 3 + 2 + 2],
  ['[self.a.b]', 13],
  ['{"a": self.a.b}', 33],
  ['duration("1h") == duration("2h")', 1],
  // A branch that is a plain path is not charged for its end.
  ['self.a.b == 1 ? self.a.b : 2', 4 + 2],
  ['self.text == "0123456789"', 2 + 1],
  ['self.text + self.text', 2 + 2 + 2],
  ['self.text.size()', 2 + 1],
  ['self.text.matches("a.*c")', 2 + 2],
  ['self.text.startsWith("abcdefghijklmn")', 2 + 1],
  ['self.list.all(x, x > 0)', 2 + 2 * (3 + 2) + 1],
  ['self.list.exists(x, x == 9)', 2 + 2 * (4 + 2) + 1],
  ['self.list.exists_one(x, x == 1)', 2 + 2 * 2 + 2 + 2],
  ['self.list.map(x, x)', 2 + 2 * 13 + 1],
  ['self.list.map(x, 1)', 2 + 2 * 2 + 1],
  ['self.list.filter(x, x == 1)', 2 + 2 * 2 + 13 + 1],
  ['self.list.transformList(i, v, v)', 2 + 2 * 13 + 1],
  ['quantity("1Gi").isLessThan(quantity("2Gi"))', 1 + 1 + 1],
];

describe('actual costs of folded plans', () => {
  const self = { a: { b: 1, zero: 0 }, list: [1, 2], text: 'abcdefghij' };
  for (const [expression, cost] of folded) {
    it(expression, () => {
      const types = { list: listType(intType), text: stringType, absent: intType, a: mapType(stringType, intType) };
      const fields = new Map(Object.entries(types).map(([name, type]) => [name, { type, optional: true }]));
      const program = compileCel(expression, { variables: { self: objectType('selfType', fields) } });
      assert.equal(program.evaluate({ self }).cost, cost);
    });
  }
});

describe('estimates follow the declared sizes', () => {
  const estimate = (expression: string, self: Parameters<typeof listType>[0]): unknown =>
    compileCel(expression, { variables: { self } }).estimateCost();

  it('of a list without texts', () => {
    assert.deepEqual(estimate('self.all(x, x > 0)', listType(intType, 10)), { min: 2, max: 2 + 10 * 5 });
  });

  it('of nested lists', () => {
    const self = listType(listType(intType, 100), 100);
    assert.deepEqual(estimate('self.all(x, x.all(y, y == y))', self), { min: 2, max: 50_502 });
  });

  it('of texts', () => {
    const text = { ...stringType, maxElements: 100 };
    assert.deepEqual(estimate('self.contains("ab")', text), { min: 1, max: 11 });
    assert.deepEqual(estimate('self.matches("abcd")', text), { min: 2, max: 12 });
    assert.deepEqual(estimate('self.startsWith("0123456789abc")', text), { min: 3, max: 3 });
  });

  it('without bounds it is beyond all limits', () => {
    const { max } = compileCel('x.split("").all(c, c == x)', { variables: { x: dynType } }).estimateCost();
    assert.ok(max > 10_000_000);
  });
});
