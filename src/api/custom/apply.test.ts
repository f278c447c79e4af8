import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFieldManager } from '../apply/apply.ts';
import { createCustomKinds } from './kinds.ts';
import { definitionOf } from './testing.ts';

const [kind] = createCustomKinds(
  definitionOf({
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: {
          whole: { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: { type: 'string' } },
          tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
          plain: { type: 'array', items: { type: 'string' } },
          ports: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['port', 'protocol'],
            items: {
              type: 'object',
              required: ['port'],
              properties: { port: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' } },
            },
          },
        },
      },
    },
  }),
);

test('schemas tell server-side apply how lists and maps are owned', () => {
  const fields = kind!.type.fields!.get('spec')!.type.fields!;
  const { items: _items, ...ports } = fields.get('ports')!.type;
  assert.deepEqual(ports, { kind: 'list', listType: 'map', listMapKeys: ['port', 'protocol'] });
  assert.equal(fields.get('tags')!.type.listType, 'set');
  assert.equal(fields.get('plain')!.type.listType, 'atomic');
  assert.equal(fields.get('whole')!.type.mapType, 'atomic');
});

function widget(spec: Record<string, unknown>): object {
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'a' }, spec };
}

test('two managers share a map list, a set, and conflict over an atomic map', () => {
  const fields = createFieldManager();
  const apply = (live: object | undefined, applied: object, name: string) =>
    fields.apply(live, applied, {
      type: kind!.type,
      manager: { name, apiVersion: 'example.com/v1', subresource: '', nowMs: 0 },
      force: false,
    });
  const first = apply(undefined, widget({ ports: [{ port: 1 }], tags: ['x'], whole: { a: '1' } }), 'one');
  assert.ok('object' in first);
  const second = apply(
    first.object,
    widget({ ports: [{ port: 2 }, { port: 1, protocol: 'UDP' }], tags: ['y'] }),
    'two',
  );
  assert.ok('object' in second, JSON.stringify(second));
  const { spec } = second.object as unknown as { spec: { ports: unknown[]; tags: string[] } };
  assert.equal(spec.ports.length, 3);
  assert.deepEqual([...spec.tags].sort(), ['x', 'y']);
  const third = apply(second.object, widget({ whole: { b: '2' } }), 'two');
  assert.ok('conflicts' in third);
  assert.deepEqual(
    third.conflicts.map(conflict => conflict.field),
    ['.spec.whole'],
  );
});
