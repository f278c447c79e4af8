/** Bodies, patches and configurations that are as large as they may be. */
import type { StallCase } from './stall-cases.ts';
import {
  applyType,
  configMap,
  configMaps,
  custom,
  customPath,
  definition,
  definitions,
  group,
  many,
  numbers,
  openSchema,
  patch,
  pods,
  post,
  text,
  times,
} from './stall-cases.ts';

function applied(count: number, value: number, metadata: object = {}): string {
  return JSON.stringify({
    apiVersion: `${group}/v1`,
    kind: 'Sets',
    metadata: { name: 'applied', ...metadata },
    spec: { items: times(count, index => ({ k: `key-${index}`, v: value })) },
  });
}

function pod(name: string, containers: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: {
      containers: times(containers, index => ({
        name: `c${index}`,
        image: 'example.com/image:1',
        env: times(4, at => ({ name: `NAME_${at}`, value: 'value' })),
      })),
    },
  };
}

export const bodyCases: readonly StallCase[] = [
  {
    name: 'a custom resource of 2.9 MB with 72,000 fields',
    before: [post(definitions, definition('open', openSchema))],
    ready: customPath('open'),
    call: custom('open', { data: many(2_900_000) }),
    status: [201],
  },
  {
    name: 'half of it changed by a patch',
    call: attempt => ({
      method: 'PATCH',
      path: `${customPath('open')}/one`,
      headers: { 'content-type': 'application/merge-patch+json' },
      body: JSON.stringify({ spec: { data: { ...many(1_400_000, `other text ${attempt}`), extra: 'x' } } }),
    }),
    status: [200],
  },
  {
    name: 'a custom resource of 2.9 MB in lists',
    call: custom('open', { list: times(400_000, index => index % 1000) }, 'lists'),
    status: 201,
  },
  {
    name: 'a custom resource of 2.9 MB in small objects',
    call: custom('open', { list: times(140_000, index => ({ a: index, b: [] })) }, 'objects'),
    status: 201,
  },
  {
    name: 'a custom resource in a schema, 2.9 MB',
    before: [
      post(
        definitions,
        definition('typed', {
          type: 'object',
          properties: {
            list: {
              type: 'array',
              items: {
                type: 'object',
                properties: {
                  a: { type: 'integer', default: 1 },
                  b: text(10),
                  c: { type: 'string', pattern: '^[a-z]+$' },
                },
              },
            },
          },
        }),
      ),
    ],
    ready: customPath('typed'),
    call: custom('typed', { list: times(90_000, () => ({ a: 1, b: 'text', c: 'word' })) }),
    status: 201,
  },
  {
    name: 'a custom resource of 1 MB in YAML',
    call: {
      method: 'POST',
      path: customPath('open'),
      headers: { 'content-type': 'application/yaml' },
      body: `apiVersion: ${group}/v1\nkind: Open\nmetadata:\n  name: yaml\nspec:\n  list:\n${'  - a: 1\n    b: text\n'.repeat(50_000)}`,
    },
    status: [201],
  },
  {
    name: 'a custom resource of 2.9 MB in YAML flow style',
    call: {
      method: 'POST',
      path: customPath('open'),
      headers: { 'content-type': 'application/yaml' },
      body: `{apiVersion: ${group}/v1, kind: Open, metadata: {name: flow}, spec: {list: [${'{a: 1, b: [text]},'.repeat(155_000)}]}}`,
    },
    status: [201],
  },
  {
    name: 'a ConfigMap of 2.9 MB with 72,000 keys',
    call: post(configMaps, configMap('large', many(2_900_000))),
    status: [201, 422],
  },
  {
    name: 'a ConfigMap of 1 MB with 25,000 keys',
    call: post(configMaps, configMap('larger', many(950_000))),
    status: [201],
  },
  { name: 'a pod of 2,000 containers', call: post(pods, pod('large', 2000)), status: [201, 422] },
  { name: 'a pod of 8,000 containers', call: post(pods, pod('larger', 8000)), status: [201, 422] },
  {
    name: 'a body of 200,000 unknown fields',
    call: {
      ...post(configMaps, {}),
      body: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"u"},${times(200_000, index => `"u${index}":{}`).join(',')}}`,
    },
    status: [201],
  },
  {
    name: 'a JSON patch of 10,000 operations',
    before: [custom('open', { list: numbers(1000) }, 'patched')],
    call: patch(
      `${customPath('open')}/patched`,
      'application/json-patch+json',
      JSON.stringify(times(10_000, index => ({ op: 'add', path: '/spec/list/0', value: index }))),
    ),
    status: 200,
  },
  {
    name: 'a JSON patch of 10,000 copies that grow',
    call: patch(
      `${customPath('open')}/patched`,
      'application/json-patch+json',
      JSON.stringify(times(10_000, index => ({ op: 'copy', from: '/spec/list', path: `/spec/copy${index}` }))),
    ),
    status: 422,
  },
  {
    name: 'a JSON patch of 9,900 copies and moves in a large object',
    before: [custom('open', { data: many(1_500_000) }, 'tested')],
    call: patch(
      `${customPath('open')}/tested`,
      'application/json-patch+json',
      JSON.stringify([
        ...times(9_000, index => ({ op: 'copy', from: '/metadata/name', path: `/spec/copy${index}` })),
        ...times(900, () => ({ op: 'move', from: '/spec/data', path: '/spec/data' })),
      ]),
    ),
    status: [200, 413, 422],
  },
  {
    name: 'a merge patch of 2.9 MB',
    before: [custom('open', {}, 'merged')],
    call: attempt =>
      patch(
        `${customPath('open')}/merged`,
        'application/merge-patch+json',
        JSON.stringify({ spec: { data: many(2_900_000, `text ${attempt}`) } }),
      ),
    status: [200],
  },
  {
    name: 'a strategic patch of 3,000 containers',
    before: [post(pods, pod('strategic', 100))],
    call: patch(
      `${pods}/strategic`,
      'application/strategic-merge-patch+json',
      JSON.stringify({
        spec: { containers: times(3000, index => ({ name: `c${index}`, image: 'example.com/image:2' })) },
      }),
    ),
    status: [200, 422],
  },
  {
    name: 'a strategic patch with 20,000 directives',
    call: patch(
      `${pods}/strategic`,
      'application/strategic-merge-patch+json',
      JSON.stringify({
        spec: {
          '$setElementOrder/containers': times(20_000, index => ({ name: `c${index}` })),
          containers: times(20_000, index => ({ name: `x${index}`, $patch: 'delete' })),
        },
      }),
    ),
    status: [200, 422],
  },
  {
    name: 'an apply that makes 10,000 items',
    call: patch(`${customPath('sets')}/applied?fieldManager=a`, applyType, applied(10_000, 1)),
    status: 201,
  },
  {
    name: 'an apply that changes 10,000 items',
    call: attempt => patch(`${customPath('sets')}/applied?fieldManager=a`, applyType, applied(10_000, 2 + attempt)),
    status: 200,
  },
  {
    name: 'an apply of another manager with 10,000 conflicts',
    call: patch(`${customPath('sets')}/applied?fieldManager=b`, applyType, applied(10_000, 8)),
    status: 409,
  },
  {
    name: 'the same by force',
    call: attempt =>
      patch(`${customPath('sets')}/applied?fieldManager=b&force=true`, applyType, applied(10_000, 10 + attempt)),
    status: 200,
  },
  {
    name: 'an apply of 25,000 items in YAML',
    call: patch(
      `${customPath('sets')}/yaml?fieldManager=a`,
      applyType,
      `apiVersion: ${group}/v1\nkind: Sets\nmetadata:\n  name: yaml\nspec:\n  items:\n${times(25_000, index => `  - k: key-${index}\n    v: 1\n`).join('')}`,
    ),
    status: 201,
  },
];
