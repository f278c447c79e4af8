import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDecoder } from '../decode.ts';
import type { UnknownObject } from '../resource.ts';
import { createCustomKinds } from './kinds.ts';
import type { Schema } from './schema.ts';
import { definitionOf } from './testing.ts';

const template: Schema = {
  type: 'object',
  'x-kubernetes-embedded-resource': true,
  properties: { spec: { type: 'object', properties: { a: { type: 'string' } } } },
};
const [kind] = createCustomKinds(
  definitionOf({ type: 'object', properties: { list: { type: 'array', items: template } } }),
);

function judge(part: unknown): string[] {
  const object = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'a' }, list: [part] };
  return kind!.behaviour.validateCreate!(object as unknown as UnknownObject).map(
    ({ field, message }) => `${field}: ${message}`,
  );
}

const table: [string, unknown, string[]][] = [
  ['a fine one', { apiVersion: 'v1', kind: 'Pod', metadata: { labels: { a: 'b' } } }, []],
  ['one without type', {}, ['list[0].apiVersion: Required value', 'list[0].kind: Required value']],
  [
    'one with a bad kind',
    { apiVersion: 'v1', kind: '1x' },
    [
      "list[0].kind: Invalid value: \"1x\": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
    ],
  ],
  [
    'one with a bad version',
    { apiVersion: 'a/b/c', kind: 'X' },
    ['list[0].apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c'],
  ],
  [
    'one with metadata of a wrong type',
    { apiVersion: 'v1', kind: 'X', metadata: 5 },
    ['list[0].metadata: Invalid value: 5: must be an object'],
  ],
  [
    'one with a wrong name',
    { apiVersion: 'v1', kind: 'X', metadata: { name: 'a/b' } },
    ['list[0].metadata.name: Invalid value: "a/b": may not contain \'/\''],
  ],
];
for (const [name, part, expected] of table) {
  test(`an embedded resource: ${name}`, () => assert.deepEqual(judge(part), expected));
}

test('pruning keeps the envelope of an embedded resource and nothing else that is unknown', () => {
  const object = { list: [{ apiVersion: 'v1', kind: 'X', metadata: { name: 'a' }, data: 1, spec: { a: 'b', c: 1 } }] };
  assert.deepEqual(kind!.custom.prune(object), ['list[0].data', 'list[0].spec.c']);
  assert.deepEqual(object, { list: [{ apiVersion: 'v1', kind: 'X', metadata: { name: 'a' }, spec: { a: 'b' } }] });
});

test('unknown fields of embedded metadata are reported like others', () => {
  const object = {
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: {},
    list: [{ apiVersion: 'v1', kind: 'X', metadata: { name: 'a', x: 1 } }],
  };
  const { warnings } = createDecoder().check({ value: object, duplicates: [] }, kind!.type, {
    validation: 'Warn',
    fill: true,
  });
  assert.deepEqual(warnings, ['unknown field "list[0].metadata.x"']);
  assert.deepEqual(object.list[0]!.metadata, { name: 'a' });
});
