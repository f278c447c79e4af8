import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pruneUnknown } from './prune.ts';
import type { Schema } from './schema.ts';

const text: Schema = { type: 'string' };
const known: Schema = { type: 'object', properties: { a: text } };
const open: Schema = { 'x-kubernetes-preserve-unknown-fields': true };

const table: [string, Schema, unknown, unknown, string[]][] = [
  ['what the schema has stays', known, { a: 'x' }, { a: 'x' }, []],
  ['what it does not have goes', known, { a: 'x', b: { c: 1 } }, { a: 'x' }, ['b']],
  [
    'maps keep all keys',
    { type: 'object', additionalProperties: known },
    { x: { a: '1', b: 2 } },
    { x: { a: '1' } },
    ['x.b'],
  ],
  [
    'maps of anything know no field',
    { type: 'object', additionalProperties: true },
    { x: 1, y: { z: 1 }, l: [{ w: 1 }] },
    { x: 1, y: {}, l: [{}] },
    ['y.z', 'l[0].w'],
  ],
  [
    'an open object keeps what it does not know',
    { ...known, ...open },
    { a: 'x', b: { c: 1 } },
    { a: 'x', b: { c: 1 } },
    [],
  ],
  [
    'and prunes what it knows',
    { type: 'object', ...open, properties: { k: known } },
    { k: { b: 1 }, l: { b: 1 } },
    { k: {}, l: { b: 1 } },
    ['k.b'],
  ],
  [
    'items of an open list keep everything',
    { type: 'object', properties: { l: { type: 'array', ...open, items: known } } },
    { l: [{ b: 1 }] },
    { l: [{ b: 1 }] },
    [],
  ],
  [
    'nested lists',
    { type: 'object', properties: { l: { type: 'array', items: { type: 'array', items: known } } } },
    { l: [[{ a: 'x', b: 1 }]] },
    { l: [[{ a: 'x' }]] },
    ['l[0][0].b'],
  ],
  ['an object in the place of a text loses its fields', known, { a: { b: 1 } }, { a: {} }, ['a.b']],
  [
    'names that every object inherits are not known',
    known,
    JSON.parse('{"constructor":1,"toString":2,"__proto__":3}'),
    {},
    ['constructor', 'toString', '__proto__'],
  ],
];
for (const [name, schema, value, expected, pruned] of table) {
  test(`pruning: ${name}`, () => {
    assert.deepEqual(pruneUnknown(schema, value, { isRoot: false }), pruned);
    assert.deepEqual(value, expected);
  });
}

test('the envelope of a root stays', () => {
  const object = { apiVersion: 'v1', kind: 'X', metadata: { a: 1 }, b: 1 };
  assert.deepEqual(pruneUnknown(known, object), ['b']);
  assert.deepEqual(object, { apiVersion: 'v1', kind: 'X', metadata: { a: 1 } });
});

test('lists that no schema describes are not followed without end', () => {
  let deep: unknown = 1;
  for (let level = 0; level < 9000; level++) deep = [deep];
  assert.throws(() => pruneUnknown(known, { a: deep }, { isRoot: false }), {
    name: 'ShapeError',
    message: 'exceeded max depth',
  });
});
