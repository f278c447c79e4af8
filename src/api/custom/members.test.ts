import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCustomKinds } from './kinds.ts';
import { compileMembers } from './members.ts';
import type { Schema } from './schema.ts';
import { definitionOf } from './testing.ts';

/** A schema with a little of everything, and beside it so many properties that it is compiled in parts. */
function schemaWith(others: number): Schema {
  const part: Schema = {
    type: 'object',
    required: ['a'],
    properties: {
      a: { type: 'string', maxLength: 3, default: 'x' },
      set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'integer' } },
      rule: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self > 1', message: 'must be more' }] },
      inner: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    },
  };
  const properties: Record<string, Schema> = {
    spec: { type: 'object', properties: { part, map: { type: 'object', additionalProperties: part } } },
  };
  for (let index = 0; index < others; index++)
    properties[`other${index}`] = { type: 'object', properties: { text: { type: 'string' } } };
  return { type: 'object', properties };
}

const objects = [
  { spec: { part: {} } },
  { spec: { part: { a: 'long text' } } },
  { spec: { part: { set: [1, 1] } } },
  { spec: { part: { rule: 1 } } },
  { spec: { part: { inner: { kind: 'B', metadata: { name: 'a', unknown: 1 } } } } },
  { spec: { map: { b: { a: null, rule: 'text' } } } },
  { spec: { part: { unknown: 1, a: 'b' } } },
];

test('an object is judged by a large schema as by a small one with the same in it', () => {
  const [small, large] = [0, 3000].map(others => createCustomKinds(definitionOf(schemaWith(others)))[0]!);
  for (const object of objects) {
    const outcomes = [small!, large!].map(kind => {
      const copy = {
        apiVersion: 'example.com/v1',
        kind: 'Widget',
        metadata: { name: 'a' },
        ...structuredClone(object),
      };
      const unknown: string[] = [];
      kind.type.prune!(copy, path => unknown.push(path));
      kind.custom.applyDefaults(copy);
      return { unknown, errors: kind.behaviour.validateCreate!(copy as never), copy };
    });
    assert.deepEqual(outcomes[1], outcomes[0]);
  }
});

test('a large schema has the type that a small one has', () => {
  const [small, large] = [0, 3000].map(others => createCustomKinds(definitionOf(schemaWith(others)))[0]!.type);
  assert.deepEqual(
    structuredClone(large!.fields!.get('spec')!.type),
    structuredClone(small!.fields!.get('spec')!.type),
  );
});

test('properties of large schemas are compiled when they are asked for, once', () => {
  const made: string[] = [];
  const members = compileMembers(schemaWith(3000), (_property, name) => {
    made.push(name);
    return { name };
  });
  assert.deepEqual(made, []);
  assert.equal(members.get('other7'), members.get('other7'));
  assert.equal(members.get('unknown'), undefined);
  assert.equal(members.get('constructor'), undefined);
  assert.deepEqual(made, ['other7']);
});
