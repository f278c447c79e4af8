/** Large and deep definitions of custom resources, many rules, hard patterns. */
import type { StallCase } from './stall-cases.ts';
import { custom, customPath, definition, definitions, group, integers, post, times } from './stall-cases.ts';

/** A schema with this many properties, in levels. */
function wideSchema(width: number, levels: number): object {
  if (levels === 0) return { type: 'string', description: 'what this is about', maxLength: 100, pattern: '^[a-z]+$' };
  const properties = Object.fromEntries(times(width, index => [`property${index}`, wideSchema(width, levels - 1)]));
  return { type: 'object', description: 'an object with a number of properties', properties };
}

function deepSchema(levels: number): object {
  let schema: object = { type: 'string' };
  for (let level = 0; level < levels; level++) schema = { type: 'object', properties: { a: schema } };
  return schema;
}

export const definitionCases: readonly StallCase[] = [
  {
    name: 'a definition of 1 MB with 9,000 properties',
    call: post(definitions, definition('wide', wideSchema(20, 3))),
    status: 201,
  },
  {
    name: 'its first object',
    ready: customPath('wide'),
    call: custom('wide', { property0: { property0: { property0: 'a' } } }),
    status: 201,
  },
  {
    name: 'a definition with 9,000 properties once more, in three versions',
    call: post(definitions, {
      ...definition('threefold', {}),
      spec: {
        group,
        scope: 'Cluster',
        names: { plural: 'threefold', kind: 'Threefold' },
        versions: times(3, index => ({
          name: `v${index + 1}`,
          served: true,
          storage: index === 0,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: wideSchema(20, 3) } } },
        })),
      },
    }),
    status: [201, 413],
  },
  {
    name: 'a definition of 2,000 levels',
    call: post(definitions, definition('deepdef', deepSchema(2000))),
    status: [201, 400, 422],
  },
  {
    name: 'a definition with 500 rules',
    call: post(
      definitions,
      definition('fivehundred', {
        type: 'object',
        properties: Object.fromEntries(
          times(500, index => [
            `p${index}`,
            {
              ...integers(10),
              'x-kubernetes-validations': [{ rule: `self.all(x, x > ${index} && self.exists(y, y < x))` }],
            },
          ]),
        ),
      }),
    ),
    status: [201, 422],
  },
  {
    name: 'a definition with a rule of 90,000 characters',
    call: post(
      definitions,
      definition('longrule', {
        type: 'object',
        properties: { a: { type: 'integer' } },
        'x-kubernetes-validations': [{ rule: times(5000, index => `self.a != ${index}`).join(' && ') }],
      }),
    ),
    status: [201, 422],
  },
  {
    name: 'a definition with 2,000 hard patterns',
    call: post(
      definitions,
      definition('patterns', {
        type: 'object',
        properties: Object.fromEntries(
          times(2000, index => [`p${index}`, { type: 'string', pattern: `^(([a-z]{0,30}){0,30}${index})+$` }]),
        ),
      }),
    ),
    status: [201, 422],
  },
  {
    name: 'an object for 2,000 hard patterns',
    ready: customPath('patterns'),
    call: custom('patterns', Object.fromEntries(times(2000, index => [`p${index}`, 'abcabcabc']))),
    status: [422],
  },
  {
    name: 'hard patterns on 64 KB each',
    before: [
      post(
        definitions,
        definition('longtexts', {
          type: 'object',
          properties: Object.fromEntries(
            times(40, index => [`p${index}`, { type: 'string', pattern: `^(a|aa|aaa|[a-z]{1,9}${index})+b$` }]),
          ),
        }),
      ),
    ],
    ready: customPath('longtexts'),
    call: custom('longtexts', Object.fromEntries(times(40, index => [`p${index}`, 'a'.repeat(65536)]))),
    status: [422],
  },
  {
    name: 'a set of 50,000 items',
    before: [
      post(
        definitions,
        definition('sets', {
          type: 'object',
          properties: {
            set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
            items: {
              type: 'array',
              'x-kubernetes-list-type': 'map',
              'x-kubernetes-list-map-keys': ['k'],
              items: { type: 'object', required: ['k'], properties: { k: { type: 'string' }, v: { type: 'integer' } } },
            },
          },
        }),
      ),
    ],
    ready: customPath('sets'),
    call: custom('sets', { set: times(50000, index => `item-${index}`) }),
    status: 201,
  },
];
