import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEqual } from './equality.ts';
import { fromDyn } from './json-values.ts';
import { createValueIndex, hashOf } from './value-index.ts';
import { ArrayList, CelDuration, CelTimestamp, CelUint } from './values.ts';

const idle = () => undefined;

/** A list as a schema types it. */
const typed = (listType: 'set' | 'map', items: unknown[], keys?: string[]) =>
  Object.assign(new ArrayList(items.map(fromDyn)), { listType, keys });
const plain = (items: unknown[]) => new ArrayList(items.map(fromDyn));

const equals: Record<string, [unknown, unknown]> = {
  'numbers of different types': [1n, 1],
  'unsigned numbers': [new CelUint(7n), 7n],
  zeros: [0, -0],
  texts: ['x'.repeat(100), 'x'.repeat(100)],
  times: [new CelTimestamp(5n), new CelTimestamp(5n)],
  durations: [new CelDuration(5n), new CelDuration(5n)],
  'objects in another order': [fromDyn({ a: 1, b: [1, { c: null }] }), fromDyn({ b: [1, { c: null }], a: 1 })],
  'a set in another order': [typed('set', ['a', 'b', 'c']), plain(['c', 'a', 'b'])],
  'a set with some items twice': [typed('set', ['a', 'a', 'b']), plain(['a', 'b', 'b'])],
  'a list of the type map in another order': [
    typed(
      'map',
      [
        { k: 'a', v: 1 },
        { k: 'b', v: 2 },
      ],
      ['k'],
    ),
    plain([
      { k: 'b', v: 2 },
      { k: 'a', v: 1 },
    ]),
  ],
  'a list of the type map with keys twice': [
    typed(
      'map',
      [
        { k: 'a', v: 2 },
        { k: 'a', v: 2 },
      ],
      ['k'],
    ),
    plain([
      { k: 'a', v: 1 },
      { k: 'a', v: 2 },
    ]),
  ],
};
for (const [name, [left, right]] of Object.entries(equals)) {
  test(`equal values have the same hash: ${name}`, () => {
    assert.ok(isEqual(left, right));
    assert.equal(hashOf(left, idle), hashOf(right, idle));
  });
}

test('values that differ a little have different hashes, but for few', () => {
  const hashes = new Set<number>();
  for (let index = 0; index < 10_000; index++)
    hashes.add(hashOf(fromDyn({ name: `name-${index}`, labels: [{}, 'x'], n: index % 10 }), idle));
  assert.ok(hashes.size > 9_900, String(hashes.size));
});

/** Values of few kinds, so that many are equal. */
function someValue(seed: number): unknown {
  const pick = seed % 7;
  const rest = Math.floor(seed / 7);
  if (pick === 0) return rest % 3;
  if (pick === 1) return `text ${rest % 3}`;
  if (pick === 2) return { a: rest % 2, b: someValue(rest) };
  if (pick === 3) return [someValue(rest), rest % 2];
  if (pick === 4) return { list: [{ k: rest % 3 }, { k: 1 }] };
  return [null, true, 0.5, 1.0][rest % 4];
}

test('what is found is what comparing with each would find', () => {
  let found = 0;
  for (let size = 0; size < 60; size++) {
    const index = createValueIndex(idle);
    const values = Array.from({ length: size }, (_, at) => fromDyn(someValue(at * 31 + size)));
    for (const value of values) index.add(value);
    for (let at = 0; at < 100; at++) {
      const value = fromDyn(someValue(at * 17 + size));
      const expected = values.some(one => isEqual(one, value));
      assert.equal(index.has(value), expected);
      if (expected) found++;
    }
  }
  assert.ok(found > 500 && found < 5500, String(found));
});

test('looking many objects up is little work', () => {
  let work = 0;
  const index = createValueIndex(units => {
    work += units;
  });
  const make = (at: number) => fromDyn({ a: Array.from({ length: 20 }, (_, item) => item), b: String(at) });
  for (let at = 0; at < 600; at++) index.add(make(at));
  for (let at = 0; at < 600; at++) assert.ok(index.has(make(at)));
  assert.ok(work < 200_000, String(work));
});
