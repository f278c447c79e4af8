import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { type AggregationSetup, apples, createAggregationSetup, root } from './testing/setup.ts';

let setup: AggregationSetup;
before(async () => {
  setup = await createAggregationSetup();
});

test('discovery shows what other servers serve, by priority, and Stale when they are gone', async () => {
  const backend = await setup.startBackend();
  await using server = await setup.startServer();
  await server.register(backend.port);
  const groups = (await server.api.call('GET', '/apis')).json.groups.map((group: { name: string }) => group.name);
  assert.equal(groups[0], 'apiregistration.k8s.io');
  assert.equal(groups[1], 'apps');
  assert.equal(groups.at(-1), 'fruit.example.com');
  const group = (await server.api.call('GET', '/apis/fruit.example.com')).json;
  assert.deepEqual(group.preferredVersion, { groupVersion: 'fruit.example.com/v1', version: 'v1' });
  assert.equal((await server.api.call('GET', root)).json.resources.length, 2);
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const discovered = async (freshness: string) => {
    for (;;) {
      const { items } = (await server.api.call('GET', '/apis', { headers: { accept } })).json;
      const version = items.at(-1).versions[0];
      if (version.freshness === freshness) return version;
      await new Promise(resolve => setImmediate(resolve));
    }
  };
  const version = await discovered('Current');
  assert.deepEqual(version.resources, [
    {
      resource: 'apples',
      responseKind: { group: 'fruit.example.com', version: 'v1', kind: 'Apple' },
      scope: 'Namespaced',
      singularResource: 'apple',
      verbs: ['get', 'list'],
      shortNames: ['ap'],
      subresources: [
        {
          subresource: 'status',
          responseKind: { group: 'fruit.example.com', version: 'v1', kind: 'Apple' },
          verbs: ['get'],
        },
      ],
    },
  ]);
  await backend[Symbol.asyncDispose]();
  // A change has the server asked again.
  const path = '/apis/apiregistration.k8s.io/v1/apiservices/v1.fruit.example.com';
  await server.api.call('PATCH', path, {
    body: { metadata: { labels: { a: 'b' } } },
    headers: { 'content-type': 'application/merge-patch+json' },
  });
  assert.match(await server.until('v1.fruit.example.com', 'FailedDiscoveryCheck'), /connect: connection refused$/);
  assert.equal((await discovered('Stale')).resources.length, 1);
  const answer = await server.api.call('GET', apples);
  assert.equal(answer.status, 503);
  assert.equal(answer.text, 'service unavailable\n');
});

test('a higher priority moves a group to the front', async () => {
  await using backend = await setup.startBackend();
  await using server = await setup.startServer();
  await server.register(backend.port, { spec: { groupPriorityMinimum: 17900 } });
  const groups = (await server.api.call('GET', '/apis')).json.groups.map((group: { name: string }) => group.name);
  assert.deepEqual(groups.slice(0, 3), ['apiregistration.k8s.io', 'fruit.example.com', 'apps']);
});

test('OpenAPI of other servers is part of the whole', async () => {
  const v2 = {
    swagger: '2.0',
    paths: { [`${root}/apples`]: { get: { schema: { $ref: '#/definitions/Apple' } } }, '/other/': {} },
    definitions: {
      Apple: { properties: { worm: { $ref: '#/definitions/Worm' } } },
      Worm: { type: 'object' },
      Unused: {},
    },
  };
  const entry = { serverRelativeURL: '/openapi/v3/apis/fruit.example.com/v1?hash=ABC' };
  await using backend = await setup.startBackend(({ url }) => {
    if (url === '/openapi/v2') return v2;
    if (url === '/openapi/v3') return { paths: { 'apis/fruit.example.com/v1': entry, 'apis/apps/v1': {} } };
    if (url.startsWith('/openapi/v3/apis/fruit.example.com/v1')) return { openapi: '3.0.0' };
    return undefined;
  });
  await using server = await setup.startServer();
  await server.register(backend.port);
  let index: { paths: Record<string, { serverRelativeURL: string }> };
  do {
    await new Promise(resolve => setImmediate(resolve));
    index = (await server.api.call('GET', '/openapi/v3')).json;
  } while (!index.paths['apis/fruit.example.com/v1']);
  assert.deepEqual(index.paths['apis/fruit.example.com/v1'], entry);
  assert.match(index.paths['apis/apps/v1']!.serverRelativeURL, /hash=/);
  assert.deepEqual((await server.api.call('GET', entry.serverRelativeURL)).json, { openapi: '3.0.0' });
  const merged = (await server.api.call('GET', '/openapi/v2')).json;
  assert.ok(merged.paths[`${root}/apples`]);
  assert.ok(merged.paths['/apis/apps/v1/deployments']);
  assert.ok(merged.definitions.Worm && !merged.definitions.Unused && !merged.paths['/other/']);
});
