/** test/e2e/apimachinery/crd_publish_openapi.go and aggregated_discovery.go say what is demanded. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Json } from '../api.ts';
import { anything, type Definition, define } from '../definitions.ts';
import type { Suite, World } from '../suite.ts';
import { eventually } from '../suite.ts';

const group = '[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin]';

const foo: Json = {
  description: 'Foo CRD for Testing',
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      description: 'Specification of Foo',
      properties: {
        bars: {
          description: 'List of Bars and their specs.',
          type: 'array',
          items: {
            type: 'object',
            required: ['name'],
            properties: {
              name: { description: 'Name of Bar.', type: 'string' },
              age: { description: 'Age of Bar.', type: 'string' },
              feeling: { description: 'Whether Bar is feeling great.', type: 'string', enum: ['Great', 'Down'] },
              bazs: { description: 'List of Bazs.', items: { type: 'string' }, type: 'array' },
            },
          },
        },
      },
    },
    status: {
      description: 'Status of Foo',
      type: 'object',
      properties: { bars: { type: 'array', items: { type: 'object' } } },
    },
  },
};
const nested: Json = {
  type: 'object',
  properties: {
    spec: {
      description: 'Specification of Waldo',
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      properties: { dummy: { description: 'Dummy property.', type: 'object' } },
    },
    status: { description: 'Status of Waldo', type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
};
const root: Json = { ...nested, 'x-kubernetes-preserve-unknown-fields': true };

/** The definition's schema in the v2 document; the name as upstream makes it. */
async function published(world: World, { group: own, kind }: Definition, version: string): Promise<Json> {
  const { definitions } = await world.api.get('/openapi/v2');
  const name = `${own.split('.').toReversed().join('.')}.${version}.${kind}`;
  return definitions[name];
}

const isPublished = (world: World, definition: Definition, version: string) =>
  eventually(`${version} is published`, () => published(world, definition, version));

async function kubectl(world: World, args: string[], input?: Json): Promise<{ status: number; text: string }> {
  const all = ['-n', world.namespace, ...args];
  const { status, stdout, stderr } = await world.server.runKubectl(all, input && JSON.stringify(input));
  return { status, text: stdout + stderr };
}

/**
 * kubectl learns of a new kind from documents that it caches for a moment. Each test has a cache of its own: kubectl takes a kind of the same name in
 * another group for the one that is meant when its cache is from before.
 */
async function explain(world: World, what: string, patterns: RegExp[]): Promise<void> {
  const cache = join(world.server.dataFolder, 'kubectl-cache', world.namespace);
  let last = '';
  const isRight = async () => {
    last = (await kubectl(world, ['explain', what, `--cache-dir=${cache}`])).text;
    return patterns.every(pattern => pattern.test(last));
  };
  await eventually(`explain ${what}`, isRight).catch(error => {
    throw new Error(`${error.message}; kubectl said last: ${last}`);
  });
}

/** Unknown fields pass, in every way in which kubectl writes. */
async function acceptsUnknown(world: World, { plural, object, group: own }: Definition, fields: Json): Promise<void> {
  const body = object('test-cr', fields);
  for (const verb of ['create', 'apply']) {
    const { status, text } = await kubectl(world, [verb, '-f', '-'], body);
    assert.equal(status, 0, text);
    assert.equal((await kubectl(world, ['delete', `${plural}.${own}`, 'test-cr'])).status, 0);
  }
}

export default function register({ conformance }: Suite): void {
  conformance(`${group} works for CRD with validation schema`, validation);

  const unknown: [name: string, schema: Json, fields: Json, shown: RegExp][] = [
    ['works for CRD without validation schema', anything, { a: { b: [{ c: 'd' }] } }, /DESCRIPTION:\s+<empty>/],
    ['works for CRD preserving unknown fields at the schema root', root, { a: { b: [{ c: 'd' }] } }, /KIND: +/],
    [
      'works for CRD preserving unknown fields in an embedded object',
      nested,
      { spec: { a: null, b: [{ c: 'd' }] } },
      /FIELDS:[\s\S]*spec\s+<Object>/i,
    ],
  ];
  for (const [name, schema, fields, shown] of unknown) {
    conformance(`${group} ${name}`, async world => {
      const definition = await define(world, 'waldo', { versions: { v1: schema } });
      await isPublished(world, definition, 'v1');
      await explain(world, `${definition.plural}.${definition.group}`, [shown]);
      await acceptsUnknown(world, definition, fields);
    });
  }

  conformance(`${group} works for multiple CRDs of different groups`, async world => {
    const suffix = world.namespace.replace(/\W/g, '');
    const one = await define(world, 'first', { group: `a.${suffix}.example.com`, versions: { v1: foo } });
    const two = await define(world, 'second', { group: `b.${suffix}.example.com`, versions: { v1: foo } });
    for (const definition of [one, two]) await isPublished(world, definition, 'v1');
  });

  conformance(`${group} works for multiple CRDs of same group but different versions`, async world => {
    const both = await define(world, 'both', { versions: { v1: foo, v2: foo } });
    for (const version of ['v1', 'v2']) await isPublished(world, both, version);
    const one = await define(world, 'third', { versions: { v3: foo } });
    await isPublished(world, one, 'v3');
  });

  conformance(`${group} works for multiple CRDs of same group and version but different kinds`, async world => {
    for (const name of ['first', 'second'])
      await isPublished(world, await define(world, name, { versions: { v1: foo } }), 'v1');
  });

  conformance(`${group} updates the published spec when one version gets renamed`, async world => {
    const definition = await define(world, 'renamed', { versions: { v2: foo, v3: foo } });
    await isPublished(world, definition, 'v3');
    await world.api.patch(
      definition.path,
      [
        { op: 'test', path: '/spec/versions/1/name', value: 'v3' },
        { op: 'replace', path: '/spec/versions/1/name', value: 'v4' },
      ],
      'json',
    );
    await isPublished(world, definition, 'v4');
    await eventually('v3 is gone', async () => (await published(world, definition, 'v3')) === undefined);
    await isPublished(world, definition, 'v2');
  });

  conformance(`${group} removes definition from spec when one version gets changed to not be served`, async world => {
    const definition = await define(world, 'unserved', { versions: { v5: foo, v6alpha1: foo } });
    await isPublished(world, definition, 'v6alpha1');
    await world.api.patch(definition.path, [{ op: 'replace', path: '/spec/versions/1/served', value: false }], 'json');
    await eventually('it is gone', async () => (await published(world, definition, 'v6alpha1')) === undefined);
    await isPublished(world, definition, 'v5');
  });

  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const names = [
    'should support raw aggregated discovery request for CRDs',
    'should support aggregated discovery interface for CRDs',
  ];
  for (const [index, name] of names.entries()) {
    conformance(`[sig-api-machinery] AggregatedDiscovery ${name}`, async world => {
      const { group: own, plural, kind } = await define(world, 'discovered');
      const asked = index === 0 ? accept : `${accept},application/json;q=0.9`;
      const found = await eventually('it is discovered', async () => {
        const { body } = await world.api.send({ path: '/apis', accept: asked });
        const item = body.items.find((one: Json) => one.metadata.name === own);
        return item?.versions[0].resources.find((one: Json) => one.resource === plural);
      });
      assert.deepEqual([found.responseKind.kind, found.scope], [kind, 'Namespaced']);
    });
  }
}

async function validation(world: World): Promise<void> {
  const definition = await define(world, 'foo', { versions: { v1: foo } });
  const { plural, group: own, object } = definition;
  await isPublished(world, definition, 'v1');
  await explain(world, `${plural}.${own}`, [
    /DESCRIPTION:\s+Foo CRD for Testing/,
    /spec\s+<Object>/i,
    /apiVersion\s+<string>/,
  ]);
  const bars = (bar: Json) => object('test-foo', { spec: { bars: [bar] } });
  for (const verb of ['create', 'apply']) {
    const good = await kubectl(world, [verb, '-f', '-'], bars({ name: 'test-bar' }));
    assert.equal(good.status, 0, good.text);
    assert.equal((await kubectl(world, ['delete', `${plural}.${own}`, 'test-foo'])).status, 0);
    for (const [bar, pattern] of [
      [{ name: 'test-bar', unknownField: 'x' }, /unknown field "spec\.bars\[0\]\.unknownField"/],
      [{ age: '10' }, /spec\.bars\[0\]\.name: Required value|missing required field "name"/],
      [{ name: 'test-bar', feeling: 'NonExistentValue' }, /Unsupported value: "NonExistentValue"/],
    ] as const) {
      const { status, text } = await kubectl(world, [verb, '-f', '-'], bars(bar));
      assert.equal(status, 1, text);
      assert.match(text, pattern);
    }
  }
  await explain(world, `${plural}.${own}.metadata`, [
    /DESCRIPTION:[\s\S]*metadata/i,
    /FIELDS:[\s\S]*creationTimestamp\s+<string>/,
  ]);
  await explain(world, `${plural}.${own}.spec`, [/DESCRIPTION:\s+Specification of Foo/, /bars\s+<\[\]Object>/i]);
  await explain(world, `${plural}.${own}.spec.bars`, [
    /List of Bars and their specs/,
    /name\s+<string>.*-required-/,
    /age\s+<string>/,
  ]);
  const { status, text } = await kubectl(world, ['explain', `${plural}.${own}.spec.bars2`]);
  assert.equal(status, 1);
  assert.match(text, /field "bars2" does not exist/);
}
