import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDecoder, DecodeError } from '../decode.ts';
import type { UnknownObject } from '../resource.ts';
import { toTable } from '../table.ts';
import { type CustomKind, createCustomKinds } from './kinds.ts';
import type { Schema } from './schema.ts';
import { definitionOf } from './testing.ts';

const spec: Schema = {
  type: 'object',
  required: ['replicas'],
  properties: {
    replicas: { type: 'integer', minimum: 1, maximum: 10, format: 'int32' },
    color: { type: 'string', enum: ['red', 'green'], default: 'red' },
    name: { type: 'string', pattern: '^a+$', maxLength: 3, minLength: 1 },
    size: { 'x-kubernetes-int-or-string': true },
    ports: {
      type: 'array',
      maxItems: 3,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
      items: {
        type: 'object',
        required: ['port'],
        properties: { port: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' } },
      },
    },
    tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
    labels: { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 2 },
    any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    when: { type: 'string', format: 'date-time', nullable: true },
  },
};
const schema: Schema = {
  type: 'object',
  properties: { spec, status: { type: 'object', properties: { replicas: { type: 'integer' } } } },
};

function kindOf(options: Parameters<typeof definitionOf>[1] = {}): CustomKind {
  const [kind] = createCustomKinds(definitionOf(schema, options));
  return kind!;
}

function object(specFields: Record<string, unknown>, more: Record<string, unknown> = {}): UnknownObject {
  return {
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: {
      name: 'one',
      namespace: 'default',
      resourceVersion: '',
      uid: 'u',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: specFields,
    ...more,
  } as unknown as UnknownObject;
}

test('a definition becomes kinds with its names, verbs and subresources', () => {
  const kind = kindOf({ status: true, scale: true });
  assert.equal(kind.resource, 'widgets');
  assert.equal(kind.listKind, 'WidgetList');
  assert.equal(kind.storagePrefix, 'example.com/widgets');
  assert.deepEqual([...kind.subresources.keys()], ['status', 'scale']);
  assert.deepEqual(kind.subresources.get('scale')!.kind, { group: 'autoscaling', version: 'v1', kind: 'Scale' });
});

test('unknown fields are taken out, or refused, with their paths', () => {
  const decoder = createDecoder();
  const { type } = kindOf();
  const body = () => ({
    value: object({ replicas: 1, extra: 1, any: { kept: 1 }, labels: { a: 'b' }, ports: [{ port: 1, x: 2 }] }),
    duplicates: [],
  });
  const { object: decoded, warnings } = decoder.check(body(), type, { validation: 'Warn', fill: true });
  assert.deepEqual(warnings, ['unknown field "spec.extra"', 'unknown field "spec.ports[0].x"']);
  assert.deepEqual(decoded['spec'], { replicas: 1, any: { kept: 1 }, labels: { a: 'b' }, ports: [{ port: 1 }] });
  assert.throws(() => decoder.check(body(), type, { validation: 'Strict', fill: true }), {
    name: DecodeError.name,
    message: 'strict decoding error: unknown field "spec.extra", unknown field "spec.ports[0].x"',
  });
});

test('wrong types are left to validation, but metadata must be metadata', () => {
  const decoder = createDecoder();
  const { type } = kindOf();
  const wrong = object({ replicas: 'many' });
  assert.doesNotThrow(() =>
    decoder.check({ value: wrong, duplicates: [] }, type, { validation: 'Strict', fill: true }),
  );
  const worse = { ...object({}), metadata: { name: 5 } };
  assert.throws(
    () => decoder.check({ value: worse, duplicates: [] }, type, { validation: 'Ignore', fill: true }),
    DecodeError,
  );
});

test('defaults are filled in at every depth and forbidden nulls are dropped', () => {
  const { behaviour } = kindOf();
  const draft = object({
    replicas: 1,
    color: null,
    name: null,
    when: null,
    ports: [{ port: 1 }, { port: 2, protocol: null }],
  });
  behaviour.defaults!(draft);
  assert.deepEqual(draft['spec'], {
    replicas: 1,
    color: 'red',
    when: null,
    ports: [
      { port: 1, protocol: 'TCP' },
      { port: 2, protocol: 'TCP' },
    ],
  });
});

const table: [Record<string, unknown>, string, string, string][] = [
  [
    { replicas: 'x' },
    'FieldValueTypeInvalid',
    'spec.replicas',
    'Invalid value: "string": spec.replicas in body must be of type integer: "string"',
  ],
  [
    { replicas: 0 },
    'FieldValueInvalid',
    'spec.replicas',
    'Invalid value: 0: spec.replicas in body should be greater than or equal to 1',
  ],
  [
    { replicas: 11 },
    'FieldValueInvalid',
    'spec.replicas',
    'Invalid value: 11: spec.replicas in body should be less than or equal to 10',
  ],
  [{}, 'FieldValueRequired', 'spec.replicas', 'Required value'],
  [
    { replicas: 1, color: 'blue' },
    'FieldValueNotSupported',
    'spec.color',
    'Unsupported value: "blue": supported values: "red", "green"',
  ],
  [
    { replicas: 1, name: 'b' },
    'FieldValueInvalid',
    'spec.name',
    `Invalid value: "b": spec.name in body should match '^a+$'`,
  ],
  [{ replicas: 1, name: 'aaaa' }, 'FieldValueTooLong', 'spec.name', 'Too long: may not be more than 3 bytes'],
  [
    { replicas: 1, name: '' },
    'FieldValueInvalid',
    'spec.name',
    'Invalid value: "": spec.name in body should be at least 1 chars long',
  ],
  [
    { replicas: 1, size: true },
    'FieldValueTypeInvalid',
    'spec.size',
    'Invalid value: "boolean": spec.size in body must be of type integer,string: "boolean"',
  ],
  [{ replicas: 1, tags: ['a', 'b', 'a'] }, 'FieldValueDuplicate', 'spec.tags[2]', 'Duplicate value: "a"'],
  [
    { replicas: 1, ports: [1, 2, 3, 4].map(port => ({ port })) },
    'FieldValueTooMany',
    'spec.ports',
    'Too many: 4: must have at most 3 items',
  ],
  [
    {
      replicas: 1,
      ports: [
        { port: 1, protocol: 'TCP' },
        { port: 1, protocol: 'TCP' },
      ],
    },
    'FieldValueDuplicate',
    'spec.ports[1]',
    'Duplicate value: {"port":1,"protocol":"TCP"}',
  ],
  [
    { replicas: 1, labels: { a: 1 } },
    'FieldValueTypeInvalid',
    'spec.labels.a',
    'Invalid value: "integer": spec.labels.a in body must be of type string: "integer"',
  ],
  [
    { replicas: 1, labels: { a: '1', b: '2', c: '3' } },
    'FieldValueTooMany',
    'spec.labels',
    'Too many: 3: must have at most 2 items',
  ],
  [
    { replicas: 1, when: 'noon' },
    'FieldValueTypeInvalid',
    'spec.when',
    'Invalid value: "noon": spec.when in body must be of type date-time: "noon"',
  ],
  [
    { replicas: 1, tags: 'a' },
    'FieldValueTypeInvalid',
    'spec.tags',
    'Invalid value: "string": spec.tags in body must be of type array: "string"',
  ],
];
for (const [fields, reason, field, message] of table) {
  test(`a wrong object is told so: ${message}`, () => {
    assert.deepEqual(kindOf().behaviour.validateCreate!(object(fields)), [{ reason, field, message }]);
  });
}

test('a number that does not fit its format is refused without a path, as upstream', () => {
  const errors = kindOf().behaviour.validateCreate!(object({ replicas: 3_000_000_000 }));
  assert.deepEqual(errors[0], {
    reason: 'FieldValueInvalid',
    field: '<nil>',
    message: 'Invalid value: "": Checked value must be of type integer with format int32',
  });
});

test('what was wrong before and did not change is let be', () => {
  const { behaviour } = kindOf();
  const old = object({
    replicas: 99,
    name: 'b',
    ports: [
      { port: 'x', protocol: 'TCP' },
      { port: 2, protocol: 'TCP' },
    ],
  });
  const now = object({
    replicas: 99,
    name: 'c',
    ports: [
      { port: 2, protocol: 7 },
      { port: 'x', protocol: 'TCP' },
    ],
  });
  assert.deepEqual(
    behaviour.validateUpdate!(now, old).map(error => error.field),
    ['spec.name', 'spec.ports[0].protocol'],
  );
});

test('the status is written only through its subresource, and only the rest counts as a generation', () => {
  const { behaviour } = kindOf({ status: true });
  const context = { nowMs: 0 };
  const old = object({ replicas: 1 }, { status: { replicas: 1 } });
  old.metadata.generation = 4;
  const draft = object({ replicas: 1 }, { status: { replicas: 2 } });
  behaviour.prepareUpdate!(draft, old, context);
  assert.deepEqual([draft['status'], draft.metadata.generation], [{ replicas: 1 }, 4]);
  const changed = object({ replicas: 2 });
  behaviour.prepareUpdate!(changed, old, context);
  assert.deepEqual([changed['status'], changed.metadata.generation], [{ replicas: 1 }, 5]);
  const status = object({ replicas: 7 }, { status: { replicas: 'x' } });
  behaviour.prepareSubresource!(status, old, 'status', context);
  assert.deepEqual([status['spec'], status.metadata.generation], [{ replicas: 1 }, 4]);
  assert.deepEqual(behaviour.validateSubresource!(status, old, 'status'), [
    {
      reason: 'FieldValueTypeInvalid',
      field: 'status.replicas',
      message: 'Invalid value: "string": replicas in body must be of type integer: "string"',
    },
  ]);
});

test('a new object has the status that is the default, not the one that was sent', () => {
  const status: Schema = {
    type: 'object',
    default: { phase: 'Waiting' },
    properties: { phase: { type: 'string' }, since: { type: 'string', default: 'ever' } },
  };
  const [kind] = createCustomKinds(definitionOf({ type: 'object', properties: { spec, status } }, { status: true }));
  const draft = object({ replicas: 1 }, { status: { phase: 'Mine' } });
  kind!.behaviour.prepareCreate!(draft, { nowMs: 0 });
  assert.deepEqual(draft['status'], { phase: 'Waiting', since: 'ever' });
});

test('without a status subresource every change but that of metadata counts', () => {
  const { behaviour } = kindOf();
  const old = object({ replicas: 1 }, { status: { replicas: 1 } });
  old.metadata.generation = 1;
  const draft = object({ replicas: 1 }, { status: { replicas: 2 } });
  behaviour.prepareUpdate!(draft, old, { nowMs: 0 });
  assert.deepEqual([draft['status'], draft.metadata.generation], [{ replicas: 2 }, 2]);
});

test('printer columns are computed from their paths', () => {
  const column = (name: string, type: string, jsonPath: string) => ({ name, type, jsonPath, priority: 0 });
  const kind = kindOf({
    columns: [
      column('Replicas', 'integer', '.spec.replicas'),
      column('Ready', 'string', '.status.conditions[?(@.type=="Ready")].status'),
      column('Ports', 'string', '.spec.ports[*].port'),
      column('Age', 'date', '.metadata.creationTimestamp'),
    ],
  });
  const row = object(
    { replicas: 3, ports: [{ port: 80 }] },
    {
      status: {
        conditions: [
          { type: 'A', status: '1' },
          { type: 'Ready', status: 'True' },
        ],
      },
    },
  );
  const made = toTable(kind, [row], { includeObject: 'None', nowMs: Date.parse('2026-01-01T01:00:00Z') });
  assert.deepEqual((made['rows'] as { cells: unknown[] }[])[0]!.cells, ['one', 3, 'True', '80', '60m']);
});
