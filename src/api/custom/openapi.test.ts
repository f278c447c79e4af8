import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atOnce } from '#base';
import { schemeOf } from '../create-scheme.ts';
import type { KnownDocument } from '../openapi/documents.ts';
import { createOpenApi } from '../openapi/documents.ts';
import { createCustomKinds } from './kinds.ts';
import { customSchemaSteps } from './openapi.ts';
import type { Schema } from './schema.ts';
import { definitionOf } from './testing.ts';

type Json = Record<string, never> & { [key: string]: Json };

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
  const { 'com.example.v1.Widget': widget } = atOnce(customSchemaSteps(kind!, 'v2'));
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
  const { 'com.example.v1.Widget': widget } = atOnce(customSchemaSteps(kind!, 'v3'));
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
    const document = atOnce(style === 'v2' ? openApi.v2() : openApi.v3('apis/example.com/v1')!);
    const text = document.bytes.toString();
    const json = JSON.parse(text) as { definitions?: object; components?: { schemas: object } };
    const known = new Set(Object.keys(json.definitions ?? json.components!.schemas));
    for (const [, name] of text.matchAll(/"\$ref":"#\/(?:definitions|components\/schemas)\/([^"]+)"/g))
      assert.ok(known.has(name!), name);
    assert.ok(known.has('com.example.v1.Widget') && known.has('com.example.v1.WidgetList'));
    assert.ok(!text.includes('strategic-merge-patch'));
  });
}

const broad: Schema = {
  type: 'object',
  properties: Object.fromEntries(
    Array.from({ length: 40 }, (_, outer) => [
      `outer${outer}`,
      {
        type: 'object',
        nullable: outer === 1,
        required: ['inner1', 'inner2'],
        properties: Object.fromEntries(
          Array.from({ length: 40 }, (_, inner) => [`inner${inner}`, { type: 'string', nullable: inner === 1 }]),
        ),
      },
    ]),
  ),
};

for (const style of ['v2', 'v3'] as const) {
  test(`${style}: a schema with many fields is published in steps as its parts would be`, () => {
    const [large] = createCustomKinds(definitionOf({ type: 'object', properties: { spec: broad } }));
    const work = customSchemaSteps(large!, style);
    let steps = 0;
    let step = work.next();
    for (; !step.done; step = work.next()) steps++;
    assert.ok(steps > 40);
    const published = (step.value['com.example.v1.Widget'] as Json)['properties']!['spec']!['properties']!;
    for (const [name, part] of Object.entries(broad.properties!)) {
      const [small] = createCustomKinds(definitionOf({ type: 'object', properties: { spec: part } }));
      const alone = atOnce(customSchemaSteps(small!, style))['com.example.v1.Widget'] as Json;
      assert.deepEqual(published[name], alone['properties']!['spec']);
    }
  });

  test(`${style}: a document after changes is what it would be without the one before`, () => {
    const widget = (description: string) => createCustomKinds(definitionOf({ ...schema, description }))[0]!;
    const gadget = { ...kind!, resource: 'gadgets', kind: 'Gadget', listKind: 'GadgetList' };
    const known = new Map<string, KnownDocument>();
    for (const kinds of [[kind!], [widget('Another.'), gadget], [gadget, widget('Yet another.')], [gadget], [kind!]]) {
      const scheme = schemeOf(kinds, () => undefined);
      const [kept, fresh] = [known, undefined].map(known => {
        const openApi = createOpenApi(scheme, { version: 'v1.36.0', descriptions: {}, known });
        return atOnce(style === 'v2' ? openApi.v2() : openApi.v3('apis/example.com/v1')!);
      });
      assert.equal(kept!.bytes.toString(), fresh!.bytes.toString());
      assert.equal(kept!.hash, fresh!.hash);
    }
  });
}
