import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, ReplicaSet } from '#api';
import { resources } from '#api';
import { ApiError, ClientError } from '#client';
import { settle } from '#client/testing';
import { runPods, startTestControllers } from '../testing.ts';
import { replicaset, replicationcontroller } from './controller.ts';
import { planReplicas } from './plan.ts';
import { podsToDelete } from './rank.ts';

const { pods, replicasets } = resources;
const ref = { namespace: 'default', name: 'web' };
const labels = { app: 'web' };
const set = (replicas: number): ReplicaSet => ({
  ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { ...ref, uid: 'rs-uid', generation: 1 } },
  spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [] } } },
});
const now = Date.UTC(2026, 0, 1);
const pod = (name: string, more: Partial<Pod> & { readyMs?: number; node?: string; phase?: string } = {}): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: {
    namespace: 'default',
    name,
    uid: name,
    labels,
    creationTimestamp: '2025-12-31T00:00:00Z',
    ...more.metadata,
  },
  spec: { containers: [], nodeName: more.node ?? 'n1' },
  status: {
    phase: more.phase ?? 'Running',
    conditions:
      more.readyMs === undefined
        ? []
        : [{ type: 'Ready', status: 'True', lastTransitionTime: new Date(more.readyMs).toISOString() }],
  },
});

for (const [what, kept, first] of [
  ['not assigned', pod('a', { readyMs: 0 }), pod('b', { node: '', readyMs: 0 })],
  ['pending', pod('a', { readyMs: 0 }), pod('b', { phase: 'Pending', readyMs: 0 })],
  ['not ready', pod('a', { readyMs: 0 }), pod('b')],
  [
    'cheaper',
    pod('a', { readyMs: 0 }),
    pod('b', {
      readyMs: 0,
      metadata: { name: 'b', annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-5' } },
    }),
  ],
  ['ready more recently', pod('a', { readyMs: now - 3_600_000 }), pod('b', { readyMs: now - 1000 })],
] as const) {
  test(`a pod that is ${what} is deleted first`, () => {
    for (const order of [
      [kept, first],
      [first, kept],
    ]) {
      assert.deepEqual(podsToDelete(order, [], 1, now), [first]);
    }
  });
}

test('of nodes with several pods of the same owner one loses its pod first', () => {
  const all = ['a', 'b', 'c'].map((name, index) => pod(name, { node: index ? 'n2' : 'n1', readyMs: 0 }));
  assert.equal(podsToDelete(all, all, 1, now)[0]?.spec.nodeName, 'n2');
});

test('no more than 500 pods are made at once', () => {
  const plan = planReplicas({ replicas: 2000, active: [], related: [], nowMs: now });
  assert.deepEqual(plan, { create: 500, remove: [] });
});

test('a set gets its pods, replaces lost ones, shrinks, and tells so in its status', async () => {
  await using deps = await startTestControllers([replicaset]);
  using _ = runPods(deps);
  await deps.client.create(replicasets, set(5));
  await deps.settle();
  await deps.settle();
  assert.equal(deps.client.peekAll(pods).length, 5);
  const status = deps.client.peek(replicasets, ref)?.status;
  assert.deepEqual([status?.replicas, status?.readyReplicas, status?.availableReplicas], [5, 5, 5]);
  const [first] = deps.client.peekAll(pods);
  assert.match(first!.metadata.name, /^web-.{5}$/);
  assert.equal(first!.metadata.ownerReferences?.[0]?.controller, true);
  await deps.client.delete(pods, first!.metadata);
  await deps.settle();
  assert.equal(deps.client.peekAll(pods).length, 5);
  await deps.client.patch(replicasets, ref, { type: 'merge', body: { spec: { replicas: 2 } } });
  await deps.settle();
  await deps.settle();
  assert.equal(deps.client.peekAll(pods).length, 2);
  assert.equal(deps.client.peek(replicasets, ref)?.status?.replicas, 2);
  assert.deepEqual([...new Set(deps.recorded.map(event => event.reason))], ['SuccessfulCreate', 'SuccessfulDelete']);
});

test('exactly as many pods are made as asked, however late the informer is', async () => {
  await using deps = await startTestControllers([replicaset]);
  await deps.client.create(replicasets, set(20));
  for (let turn = 0; turn < 30; turn++) {
    const current = deps.client.peek(replicasets, ref)!;
    await deps.client.update(replicasets, {
      ...current,
      metadata: { ...current.metadata, annotations: { turn: `${turn}` } },
    });
    await settle(2);
  }
  await deps.settle();
  const created = deps.client.calls.filter(call => call.verb === 'create' && call.resource === 'pods');
  assert.equal(created.length, 20);
});

test('matching orphans are adopted, and pods whose labels changed are released and replaced', async () => {
  await using deps = await startTestControllers([replicaset], [pod('orphan', { readyMs: now }), set(1)]);
  await deps.settle();
  const orphan = () => deps.client.peek(pods, { namespace: 'default', name: 'orphan' })!;
  assert.equal(orphan().metadata.ownerReferences?.[0]?.uid, 'rs-uid');
  assert.equal(deps.client.peekAll(pods).length, 1);
  await deps.client.patch(pods, orphan().metadata, { type: 'merge', body: { metadata: { labels: { app: 'other' } } } });
  await deps.settle();
  assert.deepEqual(orphan().metadata.ownerReferences ?? [], []);
  assert.equal(deps.client.peekAll(pods).length, 2);
});

test('a refused creation is told in the status, tried again with few requests, and forgotten when it works', async () => {
  await using deps = await startTestControllers([replicaset]);
  const message = 'exceeded quota';
  const refusal = new ApiError({ code: 403, reason: 'Forbidden', message });
  deps.client.refuse(call => (call.verb === 'create' && call.resource === 'pods' ? refusal : undefined));
  await deps.client.create(replicasets, set(100));
  await deps.settle();
  const creations = deps.client.calls.filter(call => call.resource === 'pods').length;
  assert.ok(creations <= 3, `${creations} requests`);
  const [condition] = deps.client.peek(replicasets, ref)?.status?.conditions ?? [];
  assert.deepEqual(
    [condition?.type, condition?.reason, condition?.message],
    ['ReplicaFailure', 'FailedCreate', message],
  );
  deps.client.refuse(() => undefined);
  await deps.clock.advance(2000);
  await deps.settle();
  await deps.settle();
  assert.equal(deps.client.peekAll(pods).length, 100);
  assert.deepEqual(deps.client.peek(replicasets, ref)?.status?.conditions ?? [], []);
});

test('a pod counts as available only after minReadySeconds', async () => {
  await using deps = await startTestControllers([replicaset]);
  using _ = runPods(deps);
  await deps.client.create(replicasets, { ...set(1), spec: { ...set(1).spec, minReadySeconds: 10 } });
  await deps.settle();
  const status = () => deps.client.peek(replicasets, ref)?.status;
  assert.deepEqual([status()?.readyReplicas, status()?.availableReplicas], [1, undefined]);
  await deps.clock.advance(10_000);
  await deps.settle();
  assert.equal(status()?.availableReplicas, 1);
});

test('an unreachable server only delays', async () => {
  await using deps = await startTestControllers([replicaset]);
  deps.client.refuse(() => new ClientError('unreachable', 'down'));
  deps.client.seed(set(3));
  await deps.settle();
  assert.equal(deps.client.peekAll(pods).length, 0);
  deps.client.refuse(() => undefined);
  await deps.clock.advance(1000);
  await deps.settle();
  assert.equal(deps.client.peekAll(pods).length, 3);
});

test('a replication controller does the same with its own selector', async () => {
  await using deps = await startTestControllers([replicationcontroller]);
  using _ = runPods(deps);
  await deps.client.create(resources.replicationcontrollers, {
    metadata: { ...ref },
    spec: { replicas: 3, selector: labels, template: { metadata: { labels }, spec: { containers: [] } } },
  });
  await deps.settle();
  await deps.settle();
  const status = deps.client.peek(resources.replicationcontrollers, ref)?.status;
  assert.deepEqual([status?.replicas, status?.readyReplicas], [3, 3]);
  assert.equal('terminatingReplicas' in (status ?? {}), false);
});
