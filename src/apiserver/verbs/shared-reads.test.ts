/** Readers in the process who share get objects of the server's own, by the same rules as everybody gets bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap } from '#api';
import { resources } from '#api';
import { type Client, createClient, createHandlerTransport, type ListSelection, type WatchEvent } from '#client';
import { startTestApiServer } from '../testing.ts';

const { configmaps, horizontalpodautoscalers } = resources;
const admin = { name: 'test-admin', groups: ['system:masters', 'system:authenticated'] };
const map = (name: string, more: Partial<ConfigMap> = {}): ConfigMap => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default', name, ...more.metadata } },
  data: { key: 'välue' },
});

async function start() {
  const api = await startTestApiServer();
  await api.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default' } } });
  const client = createClient({ transport: createHandlerTransport(api.handler, admin), userAgent: 'test/1' });
  return { api, client, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

/** The events of a watch until one of that type. */
async function eventsUntil(client: Client, type: string, selection: ListSelection) {
  const events: Exclude<WatchEvent<ConfigMap>, { type: 'BOOKMARK' }>[] = [];
  for await (const event of client.watch(configmaps, { timeoutSeconds: 20, ...selection })) {
    if (event.type === 'BOOKMARK') continue;
    events.push(event);
    if (event.type === type) break;
  }
  return events;
}

const selections: [what: string, selection: ListSelection][] = [
  ['everything', {}],
  ['a namespace', { namespace: 'default' }],
  ['a label', { labelSelector: 'app=web' }],
  ['a field', { fieldSelector: 'metadata.name=b' }],
  ['metadata', { metadataOnly: true }],
];
for (const [what, selection] of selections) {
  test(`a list and a watch of ${what} say the same, shared or not`, async () => {
    await using world = await start();
    const { client } = world;
    await client.create(configmaps, map('a', { metadata: { name: 'a', labels: { app: 'web' } } }));
    await client.create(configmaps, map('b'));
    const list = await client.list(configmaps, selection);
    assert.deepEqual(await client.list(configmaps, { ...selection, shares: true }), list);
    const from = { ...selection, resourceVersion: list.metadata.resourceVersion };
    const b = await client.get(configmaps, { namespace: 'default', name: 'b' });
    await client.update(configmaps, { ...b, metadata: { ...b.metadata, labels: { app: 'web' } } });
    await client.delete(configmaps, { namespace: 'default', name: 'b' });
    const events = await eventsUntil(client, 'DELETED', from);
    assert.ok(events.length > 1);
    assert.deepEqual(await eventsUntil(client, 'DELETED', { ...from, shares: true }), events);
  });
}

test('who shares gets the same object in lists and watches, and it is what the writer wrote', async () => {
  await using world = await start();
  const { client } = world;
  const before = await client.list(configmaps, { shares: true });
  const made = await client.create(configmaps, map('a'));
  const [event] = await eventsUntil(client, 'ADDED', {
    resourceVersion: before.metadata.resourceVersion,
    shares: true,
  });
  const [item] = (await client.list(configmaps, { shares: true })).items;
  assert.equal(event!.object, item);
  assert.deepEqual(item, made);
  const own = await client.get(configmaps, { namespace: 'default', name: 'a' });
  assert.notEqual(own, item);
});

test('an object of another stored version is shared in the version that is asked for', async () => {
  await using world = await start();
  const { client } = world;
  const spec = { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3 };
  await client.create(horizontalpodautoscalers, {
    ...{ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' },
    metadata: { namespace: 'default', name: 'h' },
    spec: {
      ...spec,
      metrics: [
        { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
      ],
    },
  });
  const first = { ...horizontalpodautoscalers, version: 'v1' };
  for (const selection of [{}, { metadataOnly: true }]) {
    const apart = await client.list(first, selection);
    assert.deepEqual(await client.list(first, { ...selection, shares: true }), apart);
    assert.match(apart.items[0]!.metadata.annotations?.['autoscaling.alpha.kubernetes.io/metrics'] ?? '', /1Gi/);
  }
});

test('what is wrong is refused as ever', async () => {
  await using world = await start();
  const { client } = world;
  const watch = (selection: ListSelection) => eventsUntil(client, 'DELETED', { ...selection, shares: true });
  await assert.rejects(watch({ fieldSelector: 'spec.no=1' }), /is not a known field selector/);
  await assert.rejects(watch({ resourceVersion: 'x' }), /resourceVersion/);
  await assert.rejects(client.list(configmaps, { shares: true, labelSelector: 'a b' }), /unable to parse/);
});
