import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject, OwnerReference } from '#api';
import { resources } from '#api';
import type { DiscoveredResource } from '../config.ts';
import type { TestControllers } from '../testing.ts';
import { startTestControllers } from '../testing.ts';
import { garbageCollector } from './controller.ts';

const { configmaps, secrets, nodes } = resources;
const verbs = ['list', 'watch', 'delete', 'patch'];
const served = [configmaps, secrets, nodes].map(one => ({ ...one, verbs })) as unknown as DiscoveredResource[];
const discover = async () => ({ resources: served, stale: [] as string[] });

const ref = (name: string) => ({ namespace: 'default', name });
const ownerRef = (name: string, more: Partial<OwnerReference> = {}): OwnerReference => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', name, uid: `uid-${name}` },
  ...more,
});
const map = (name: string, owners: OwnerReference[] = [], more: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap' },
  metadata: { ...ref(name), uid: `uid-${name}`, ...(owners.length ? { ownerReferences: owners } : {}), ...more },
});
const secret = (name: string, owners: OwnerReference[]): KubeObject => ({ ...map(name, owners), kind: 'Secret' });

const start = (objects: KubeObject[]) => startTestControllers([garbageCollector], objects, { discover });
const left = (deps: TestControllers) =>
  [...deps.client.peekAll(configmaps), ...deps.client.peekAll(secrets)].map(({ metadata }) => metadata.name).sort();

test('dependents go after their owner, down the line', async () => {
  await using deps = await start([
    map('a'),
    secret('b', [ownerRef('a')]),
    map('c', [ownerRef('b', { kind: 'Secret' })]),
    map('x'),
  ]);
  assert.deepEqual(left(deps), ['a', 'b', 'c', 'x']);
  await deps.client.delete(configmaps, ref('a'));
  await deps.settle();
  assert.deepEqual(left(deps), ['x']);
});

test('an object with one owner left loses only the reference', async () => {
  await using deps = await start([map('a'), map('b'), map('c', [ownerRef('a'), ownerRef('b')])]);
  await deps.client.delete(configmaps, ref('a'));
  await deps.settle();
  assert.deepEqual(left(deps), ['b', 'c']);
  assert.deepEqual(
    deps.client.peek(configmaps, ref('c'))?.metadata.ownerReferences?.map(({ name }) => name),
    ['b'],
  );
});

test('foreground deletion waits for blocking dependents', async () => {
  const held = map('b', [ownerRef('a', { blockOwnerDeletion: true })], { finalizers: ['x/wait'] });
  await using deps = await start([map('a'), held]);
  await deps.client.delete(configmaps, ref('a'), { propagationPolicy: 'Foreground' });
  await deps.settle();
  assert.deepEqual(left(deps), ['a', 'b']);
  assert.ok(deps.client.peek(configmaps, ref('b'))?.metadata.deletionTimestamp);
  const removal = { type: 'merge', body: { metadata: { finalizers: null } } } as const;
  await deps.client.patch(configmaps, ref('b'), removal);
  await deps.settle();
  assert.deepEqual(left(deps), []);
});

test('orphaned dependents stay, without their owner', async () => {
  await using deps = await start([map('a'), map('b', [ownerRef('a')]), secret('c', [ownerRef('a')])]);
  await deps.client.delete(configmaps, ref('a'), { propagationPolicy: 'Orphan' });
  await deps.settle();
  assert.deepEqual(left(deps), ['b', 'c']);
  assert.deepEqual(deps.client.peek(configmaps, ref('b'))?.metadata.ownerReferences, []);
});

test('a circle of blocking references does not hold foreground deletion for ever', async () => {
  const block = { blockOwnerDeletion: true };
  const circle = [map('a', [ownerRef('c', block)]), map('b', [ownerRef('a', block)]), map('c', [ownerRef('b', block)])];
  await using deps = await start(circle);
  await deps.client.delete(configmaps, ref('a'), { propagationPolicy: 'Foreground' });
  await deps.settle();
  await deps.clock.advance(2000);
  await deps.settle();
  assert.deepEqual(left(deps), []);
});

test('an owner that was never there, or is another one of the name, or is in another namespace, is no owner', async () => {
  const far = map('far', [], { namespace: 'other', uid: 'uid-far' });
  const objects = [
    far,
    map('a'),
    map('b', [ownerRef('none')]),
    map('c', [ownerRef('a', { uid: 'older' })]),
    map('d', [ownerRef('far')]),
  ];
  await using deps = await start(objects);
  assert.deepEqual(left(deps), ['a', 'far']);
});

test('a cluster-scoped owner is found, and a namespaced owner of a cluster-scoped object deletes nothing', async () => {
  const node = (name: string, owners: OwnerReference[] = []): KubeObject => ({
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name, uid: `uid-${name}`, ownerReferences: owners } },
  });
  await using deps = await start([
    node('n'),
    map('a', [ownerRef('n', { kind: 'Node' })]),
    node('odd', [ownerRef('none')]),
  ]);
  assert.deepEqual(left(deps), ['a']);
  assert.equal(deps.client.peekAll(nodes).length, 2);
  await deps.client.delete(nodes, { name: 'n' });
  await deps.settle();
  assert.deepEqual(left(deps), []);
});

test('an object whose owner is of an unknown kind stays', async () => {
  await using deps = await start([map('a', [ownerRef('x', { apiVersion: 'example.com/v1', kind: 'Widget' })])]);
  assert.deepEqual(left(deps), ['a']);
});

const widgets: DiscoveredResource = {
  ...{ group: 'example.com', version: 'v1', resource: 'widgets', kind: 'Widget', namespaced: true },
  verbs,
};

/** A cluster whose widgets, once `more` has them, cannot be listed: their conversion fails, say. */
async function startWithBroken(objects: KubeObject[]) {
  const found = { resources: served, stale: [] as string[] };
  const deps = await startTestControllers([garbageCollector], objects, { discover: async () => found });
  const list = deps.client.list.bind(deps.client);
  let asked = 0;
  deps.client.list = (resource, options) => {
    if (resource.resource !== 'widgets') return list(resource, options);
    asked++;
    return Promise.reject(new Error('conversion webhook failed'));
  };
  const next = async (ms: number) => {
    await deps.clock.advance(ms);
    await deps.settle();
  };
  found.resources = [...served, widgets];
  await next(30_000);
  return { deps, found, next, asked: () => asked };
}

test('a kind that cannot be listed holds nothing up but orphaning, and that for half a minute', async () => {
  const { deps, next } = await startWithBroken([
    map('a'),
    map('b', [ownerRef('a')]),
    map('c'),
    map('d', [ownerRef('c')]),
  ]);
  await using _ = deps;
  await deps.client.delete(configmaps, ref('a'));
  await deps.settle();
  assert.deepEqual(left(deps), ['c', 'd']);
  await deps.client.delete(configmaps, ref('c'), { propagationPolicy: 'Orphan' });
  await next(10_000);
  assert.deepEqual(left(deps), ['c', 'd']);
  for (let waited = 0; waited < 25; waited++) await next(1000);
  assert.deepEqual(left(deps), ['d']);
  assert.deepEqual(deps.client.peek(configmaps, ref('d'))?.metadata.ownerReferences, []);
});

test('a kind that is no longer served is no longer asked for', async () => {
  const { deps, found, next, asked } = await startWithBroken([map('a'), map('b', [ownerRef('a')])]);
  await using _ = deps;
  found.resources = served;
  await next(30_000);
  const before = asked();
  await next(60_000);
  assert.equal(asked(), before);
  await deps.client.delete(configmaps, ref('a'), { propagationPolicy: 'Orphan' });
  await deps.settle();
  assert.deepEqual(left(deps), ['b']);
});

test('a group that does not answer just now is followed on', async () => {
  const found = { resources: served, stale: [] as string[] };
  await using deps = await startTestControllers([garbageCollector], [map('a'), secret('b', [ownerRef('a')])], {
    discover: async () => found,
  });
  found.resources = served.filter(one => one.resource !== 'secrets');
  found.stale = ['/v1'];
  await deps.clock.advance(30_000);
  await deps.settle();
  await deps.client.delete(configmaps, ref('a'));
  await deps.settle();
  assert.deepEqual(left(deps), []);
});
