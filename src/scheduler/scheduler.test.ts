import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Node, type Pod, resources } from '#api';
import { createFakeDeps, settle } from '#client/testing';
import { startScheduler } from './scheduler.ts';

const node = (name: string, cpu = '2') =>
  ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    spec: {},
    status: { allocatable: { cpu, memory: '4Gi', pods: '10' }, conditions: [{ type: 'Ready', status: 'True' }] },
  }) as unknown as Node;
const pod = (name: string, cpu = '1', more: object = {}) =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: `uid-${name}` },
    spec: {
      schedulerName: 'default-scheduler',
      containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }],
      ...more,
    },
    status: { phase: 'Pending' },
  }) as unknown as Pod;

/** What the kubelet asks for when nothing of the pod runs any more. */
const gone = { gracePeriodSeconds: 0 };

/** A scheduler over a fake API whose binding subresource does what the real one does. */
async function start(...objects: (Node | Pod)[]) {
  const deps = createFakeDeps(objects);
  const create = deps.client.create.bind(deps.client);
  const bound: string[] = [];
  let failure: Error | undefined;
  deps.client.create = (async (resource: never, object: Pod & { target?: { name: string } }, options: never) => {
    if ((options as { subresource?: string } | undefined)?.subresource !== 'binding')
      return create(resource, object, options);
    if (failure) {
      const error = failure;
      failure = undefined;
      throw error;
    }
    const stored = await deps.client.get(resources.pods, object.metadata);
    bound.push(`${object.metadata.name} on ${object.target!.name}`);
    stored.spec.nodeName = object.target!.name;
    return deps.client.update(resources.pods, stored);
  }) as never;
  const scheduler = await startScheduler({}, deps);
  await settle();
  return {
    deps,
    bound,
    failNext: (error: Error) => {
      failure = error;
    },
    async [Symbol.asyncDispose]() {
      await scheduler[Symbol.asyncDispose]();
      await deps[Symbol.asyncDispose]();
    },
  };
}

const said = (deps: { recorded: { about: string; reason: string; message: string }[] }) =>
  deps.recorded.map(({ about, reason, message }) => `${about} ${reason}: ${message}`);

test('a pod is bound to a node and told so; pods placed at the same time count', async () => {
  await using at = await start(node('one'), pod('a'), pod('b'), pod('c'));
  assert.deepEqual(at.bound.sort(), ['a on one', 'b on one']);
  assert.ok(said(at.deps).includes('Pod default/a Scheduled: Successfully assigned default/a to one'));
  const stored = await at.deps.client.get(resources.pods, { namespace: 'default', name: 'c' });
  const condition = stored.status?.conditions?.[0];
  assert.deepEqual([condition?.type, condition?.status, condition?.reason], ['PodScheduled', 'False', 'Unschedulable']);
  assert.match(condition!.message!, /^0\/1 nodes are available: 1 Insufficient cpu\./);
});

test('a pod that found no place is placed when room is made', async () => {
  await using at = await start(node('one', '1'), pod('first'), pod('second'));
  assert.equal(at.bound.length, 1);
  await at.deps.client.delete(resources.pods, { namespace: 'default', name: at.bound[0]!.split(' ')[0]! }, gone);
  await settle();
  await at.deps.clock.advance(2_000);
  await settle();
  assert.equal(at.bound.length, 2);
});

test('a pod that found no place is placed when a node comes', async () => {
  await using at = await start(pod('lonely'));
  assert.match(said(at.deps)[0]!, /FailedScheduling: no nodes available to schedule pods/);
  await at.deps.client.create(resources.nodes, node('late'));
  const { status } = node('late');
  await at.deps.client.patch(
    resources.nodes,
    { name: 'late' },
    { type: 'merge', body: { status }, subresource: 'status' },
  );
  await settle();
  await at.deps.clock.advance(2_000);
  await settle();
  assert.deepEqual(at.bound, ['lonely on late']);
});

test('a binding that fails frees its place and is tried again', async () => {
  await using at = await start(node('one', '1'));
  at.failNext(new Error('no answer'));
  await at.deps.client.create(resources.pods, pod('a'));
  await settle();
  assert.deepEqual(at.bound, []);
  await at.deps.clock.advance(12_000);
  await settle();
  assert.deepEqual(at.bound, ['a on one']);
});

test('gated pods, and those of other schedulers, are left alone', async () => {
  await using at = await start(
    node('one'),
    pod('gated', '1', { schedulingGates: [{ name: 'wait' }] }),
    pod('other', '1', { schedulerName: 'mine' }),
  );
  await at.deps.clock.advance(20_000);
  await settle();
  assert.deepEqual([at.bound, at.deps.recorded], [[], []]);
});

test('the more important pod goes first, and makes room where it must', async () => {
  await using at = await start(node('one', '1'), pod('low', '1', { priority: 0 }));
  assert.deepEqual(at.bound, ['low on one']);
  await at.deps.client.create(resources.pods, pod('high', '1', { priority: 1000 }));
  await settle();
  const { uid } = (await at.deps.client.get(resources.pods, { namespace: 'default', name: 'high' })).metadata;
  assert.ok(said(at.deps).includes(`Pod default/low Preempted: Preempted by pod ${uid} on node one`));
  await at.deps.client.delete(resources.pods, { namespace: 'default', name: 'low' }, gone);
  await at.deps.clock.advance(12_000);
  await settle();
  assert.deepEqual(at.bound, ['low on one', 'high on one']);
});
