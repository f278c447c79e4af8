import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api';
import { resources } from '#api';
import { createFakeClock } from '#base/testing';
import { isAlreadyExists, isConflict, isNotFound } from './index.ts';
import { createFakeClient } from './testing.ts';

const pod = (name: string, more: Partial<Pod['metadata']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'default', name, ...more },
  spec: { containers: [{ name: 'c', image: 'i' }] },
});
const ref = { namespace: 'default', name: 'a' };
const { pods, namespaces } = resources;

test('a created object gets what the server gives it, and cannot be made twice', async () => {
  const client = createFakeClient();
  const made = await client.create(pods, { ...pod('a'), status: { phase: 'Running' } });
  assert.equal(made.metadata.generation, 1);
  assert.equal(made.status?.phase, 'Pending');
  assert.ok(made.metadata.uid && made.metadata.creationTimestamp && made.metadata.resourceVersion);
  await assert.rejects(client.create(pods, pod('a')), isAlreadyExists);
  const generated = await client.create(pods, pod('', { generateName: 'b-' }));
  assert.match(generated.metadata.name, /^b-.{5}$/);
});

test('a stale update conflicts, spec and status are apart, and generation counts spec changes', async () => {
  const client = createFakeClient();
  const made = await client.create(pods, pod('a'));
  const running = await client.update(pods, { ...made, status: { phase: 'Running' } }, { subresource: 'status' });
  assert.equal(running.status?.phase, 'Running');
  await assert.rejects(client.update(pods, made), isConflict);
  const moved = await client.update(pods, { ...running, spec: { ...running.spec, nodeName: 'n' }, status: {} });
  assert.deepEqual([moved.metadata.generation, moved.status?.phase], [2, 'Running']);
  const same = await client.update(pods, moved);
  assert.equal(same.metadata.resourceVersion, moved.metadata.resourceVersion, 'nothing changed');
});

test('finalizers hold a deleted object until the last is taken off', async () => {
  const client = createFakeClient();
  await client.create(pods, pod('a', { finalizers: ['x/y'] }));
  await client.delete(pods, ref);
  const held = await client.get(pods, ref);
  assert.ok(held.metadata.deletionTimestamp);
  await client.patch(pods, ref, { type: 'merge', body: { metadata: { finalizers: null } } });
  await assert.rejects(client.get(pods, ref), isNotFound);
});

test('a pod on a node is deleted gracefully, one without a node at once', async () => {
  const clock = createFakeClock();
  const client = createFakeClient([], { clock });
  await client.create(pods, { ...pod('a'), spec: { ...pod('a').spec, nodeName: 'n' } });
  await client.delete(pods, ref);
  const dying = await client.get(pods, ref);
  assert.equal(Date.parse(dying.metadata.deletionTimestamp!) - clock.now(), 30_000);
  await client.delete(pods, ref, { gracePeriodSeconds: 0 });
  await assert.rejects(client.get(pods, ref), isNotFound);
  await client.create(pods, pod('a'));
  await client.delete(pods, ref);
  await assert.rejects(client.get(pods, ref), isNotFound);
});

test('a namespace goes when its finalizer is taken off through finalize', async () => {
  const client = createFakeClient();
  await client.create(namespaces, { metadata: { name: 'n' } });
  await client.delete(namespaces, { name: 'n' });
  const dying = await client.get(namespaces, { name: 'n' });
  assert.equal(dying.status?.phase, 'Terminating');
  await client.update(namespaces, { ...dying, spec: { finalizers: [] } }, { subresource: 'finalize' });
  await assert.rejects(client.get(namespaces, { name: 'n' }), isNotFound);
});

for (const [labelSelector, names] of [
  ['app=x', ['a']],
  ['app!=x', ['b', 'c']],
  ['app in (x,y)', ['a', 'b']],
  ['app notin (x)', ['b', 'c']],
  ['!app', ['c']],
  ['app,app!=y', ['a']],
] as const) {
  test(`the selector ${labelSelector} finds ${names}`, async () => {
    const labels = { a: { app: 'x' }, b: { app: 'y' }, c: {} };
    const client = createFakeClient(Object.entries(labels).map(([name, set]) => pod(name, { labels: set })));
    const list = await client.list(pods, { labelSelector });
    assert.deepEqual(
      list.items.map(item => item.metadata.name),
      names,
    );
  });
}

test('patches of all types change what they name', async () => {
  const client = createFakeClient([pod('a', { labels: { x: '1', y: '2' } })]);
  await client.patch(pods, ref, { type: 'json', body: [{ op: 'remove', path: '/metadata/labels/x' }] });
  await client.patch(pods, ref, {
    type: 'strategic',
    body: { spec: { containers: [{ name: 'c', image: 'j' }, { name: 'd' }] } },
  });
  const { metadata, spec } = await client.get(pods, ref);
  assert.deepEqual(metadata.labels, { y: '2' });
  assert.deepEqual(spec.containers, [{ name: 'c', image: 'j' }, { name: 'd' }]);
});

test('a scale changes replicas and generation, and a refusal is what the call rejects with', async () => {
  const template = { metadata: {}, spec: { containers: [] } };
  const set = { metadata: { namespace: 'default', name: 'a' }, spec: { replicas: 1, selector: {}, template } };
  const client = createFakeClient();
  await client.create(resources.replicasets, set);
  await client.patch(resources.replicasets, ref, {
    type: 'merge',
    subresource: 'scale',
    body: { spec: { replicas: 4 } },
  });
  const scaled = await client.get(resources.replicasets, ref);
  assert.deepEqual([scaled.spec.replicas, scaled.metadata.generation], [4, 2]);
  client.refuse(call => (call.verb === 'delete' ? new Error(`no ${call.resource}`) : undefined));
  await assert.rejects(client.delete(resources.replicasets, ref), { message: 'no replicasets.apps' });
});
