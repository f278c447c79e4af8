import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemeOf } from '../create-scheme.ts';
import { createOpenApi } from '../openapi/documents.ts';
import { createCustomKinds } from './kinds.ts';
import { customSchemas } from './openapi.ts';
import type { Schema } from './schema.ts';
import { definitionOf } from './testing.ts';

const schema: Schema = {
  type: 'object',
  description: 'A widget.',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['a', 'b'],
      properties: {
        a: { type: 'string', nullable: true },
        b: { type: 'string', description: 'B.', enum: ['x'] },
        size: { 'x-kubernetes-int-or-string': true },
        any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { c: { type: 'string' } } },
        list: {
          type: 'array',
          items: { type: 'object', anyOf: [{ required: ['d'] }], properties: { d: { type: 'string' } } },
        },
      },
    },
  },
};
const [kind] = createCustomKinds(definitionOf(schema, { status: true }));

test('OpenAPI 2 leaves out what it cannot say', () => {
  const { 'com.example.v1.Widget': widget } = customSchemas(kind!, 'v2');
  assert.deepEqual((widget!['properties'] as Record<string, unknown>)['spec'], {
    type: 'object',
    required: ['b'],
    properties: {
      a: {},
      b: { type: 'string', description: 'B.', enum: ['x'] },
      size: { 'x-kubernetes-int-or-string': true },
      any: { 'x-kubernetes-preserve-unknown-fields': true },
      list: { type: 'array', items: { type: 'object', properties: { d: { type: 'string' } } } },
    },
  });
  assert.deepEqual(widget!['x-kubernetes-group-version-kind'], [
    { group: 'example.com', version: 'v1', kind: 'Widget' },
  ]);
});

test('OpenAPI 3 says it all', () => {
  const { 'com.example.v1.Widget': widget } = customSchemas(kind!, 'v3');
  assert.deepEqual((widget!['properties'] as Record<string, unknown>)['spec'], {
    type: 'object',
    required: ['a', 'b'],
    properties: {
      a: { type: 'string', nullable: true },
      b: { type: 'string', description: 'B.', enum: ['x'] },
      size: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
      any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { c: { type: 'string' } } },
      list: {
        type: 'array',
        items: { type: 'object', anyOf: [{ required: ['d'] }], properties: { d: { type: 'string' } } },
      },
    },
  });
});

for (const style of ['v2', 'v3'] as const) {
  test(`${style}: the documents have custom kinds, and every reference leads to a schema`, () => {
    const scheme = schemeOf([kind!], () => undefined);
    const openApi = createOpenApi(scheme, { version: 'v1.36.0', descriptions: {} });
    const document = style === 'v2' ? openApi.v2() : openApi.v3('apis/example.com/v1')!;
    const text = document.bytes.toString();
    const json = JSON.parse(text) as { definitions?: object; components?: { schemas: object } };
    const known = new Set(Object.keys(json.definitions ?? json.components!.schemas));
    for (const [, name] of text.matchAll(/"\$ref":"#\/(?:definitions|components\/schemas)\/([^"]+)"/g))
      assert.ok(known.has(name!), name);
    assert.ok(known.has('com.example.v1.Widget') && known.has('com.example.v1.WidgetList'));
    assert.ok(!text.includes('strategic-merge-patch'));
  });
}
