import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, StatefulSet, StatefulSetSpec } from '#api';
import { resources } from '#api';
import type { TestControllers } from '../testing.ts';
import { runPods, setPodStatus, startTestControllers } from '../testing.ts';
import { statefulset } from './controller.ts';

const { statefulsets, pods, persistentvolumeclaims, controllerrevisions } = resources;
const ref = { namespace: 'default', name: 'db' };
const labels = { app: 'db' };

const db = (replicas: number, more: Partial<StatefulSetSpec> = {}): StatefulSet => ({
  metadata: { ...ref },
  spec: {
    ...{ replicas, serviceName: 'db', selector: { matchLabels: labels } },
    template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'v1' }] } },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    ...more,
  },
});
const names = (deps: TestControllers) =>
  deps.client
    .peekAll(pods)
    .map(({ metadata }) => metadata.name)
    .sort();
const images = (deps: TestControllers) =>
  deps.client
    .peekAll(pods)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .map(pod => pod.spec.containers[0]?.image);
const change = (deps: TestControllers, spec: unknown) =>
  deps.client.patch(statefulsets, ref, { type: 'strategic', body: { spec } });
const setImage = (deps: TestControllers, image: string) =>
  change(deps, { template: { spec: { containers: [{ name: 'c', image }] } } });
const status = (deps: TestControllers) => deps.client.peek(statefulsets, ref)?.status;
const rounds = async (deps: TestControllers, count = 8) => {
  for (let round = 0; round < count; round++) await deps.settle();
};

async function start(set: StatefulSet, ready?: (pod: Pod) => boolean) {
  const deps = await startTestControllers([statefulset]);
  const node = runPods(deps, ready);
  await deps.client.create(statefulsets, set);
  await rounds(deps);
  return Object.assign(deps, { node });
}
const creations = (deps: TestControllers) =>
  deps.client.calls.filter(({ verb, resource }) => verb === 'create' && resource === 'pods').map(({ name }) => name);

test('pods are made one after the other, each when the one before is ready, with their own names and claims', async () => {
  const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } };
  await using deps = await start(db(3, { volumeClaimTemplates: [claim] }), pod => pod.metadata.name !== 'db-1');
  assert.deepEqual(names(deps), ['db-0', 'db-1']);
  await setPodStatus(
    deps,
    deps.client.peek(pods, { namespace: 'default', name: 'db-1' })!,
    deps.client.peekAll(pods)[0]!.status,
  );
  await rounds(deps);
  assert.deepEqual(names(deps), ['db-0', 'db-1', 'db-2']);
  const pod = deps.client.peek(pods, { namespace: 'default', name: 'db-2' })!;
  assert.deepEqual([pod.spec.hostname, pod.spec.subdomain], ['db-2', 'db']);
  assert.equal(pod.metadata.labels?.['apps.kubernetes.io/pod-index'], '2');
  assert.equal(pod.spec.volumes?.[0]?.persistentVolumeClaim?.claimName, 'data-db-2');
  assert.deepEqual(
    deps.client
      .peekAll(persistentvolumeclaims)
      .map(({ metadata }) => metadata.name)
      .sort(),
    ['data-db-0', 'data-db-1', 'data-db-2'],
  );
  assert.equal(status(deps)?.readyReplicas, 3);
  assert.equal(status(deps)?.currentRevision, status(deps)?.updateRevision);
});

test('Parallel makes and removes all at once', async () => {
  await using deps = await start(db(3, { podManagementPolicy: 'Parallel' }), () => false);
  assert.deepEqual(names(deps), ['db-0', 'db-1', 'db-2']);
  await change(deps, { replicas: 0 });
  await deps.settle();
  assert.deepEqual(names(deps), []);
});

test('shrinking takes the highest first and keeps claims, unless the policy lets them go', async () => {
  const claim = { metadata: { name: 'data' }, spec: {} };
  const policy = { whenScaled: 'Delete', whenDeleted: 'Retain' };
  await using deps = await start(
    db(3, { volumeClaimTemplates: [claim], persistentVolumeClaimRetentionPolicy: policy }),
  );
  await change(deps, { replicas: 1 });
  await rounds(deps);
  assert.deepEqual(names(deps), ['db-0']);
  const deletions = deps.recorded
    .filter(({ reason }) => reason === 'SuccessfulDelete')
    .map(({ message }) => message.split(' ')[2]);
  assert.deepEqual(deletions, ['db-2', 'db-1']);
  const owners = deps.client.peekAll(persistentvolumeclaims).map(({ metadata }) => metadata.ownerReferences?.[0]?.name);
  assert.deepEqual(owners, [undefined, 'db-1', 'db-2']);
});

test('a rolling update goes from the highest to the lowest, one at a time', async () => {
  await using deps = await start(db(3));
  const before = creations(deps).length;
  await setImage(deps, 'v2');
  await rounds(deps, 12);
  assert.deepEqual(creations(deps).slice(before), ['db-2', 'db-1', 'db-0']);
  assert.deepEqual(images(deps), ['v2', 'v2', 'v2']);
  assert.equal(status(deps)?.currentRevision, status(deps)?.updateRevision);
  assert.equal(status(deps)?.updatedReplicas, 3);
});

test('a partition keeps the pods below it, also when they are made again', async () => {
  await using deps = await start(db(3, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } }));
  await setImage(deps, 'v2');
  await rounds(deps);
  assert.deepEqual(images(deps), ['v1', 'v1', 'v2']);
  await deps.client.delete(pods, { namespace: 'default', name: 'db-0' });
  await rounds(deps);
  assert.deepEqual(images(deps), ['v1', 'v1', 'v2']);
  await change(deps, { updateStrategy: { rollingUpdate: { partition: 0 } } });
  await rounds(deps, 12);
  assert.deepEqual(images(deps), ['v2', 'v2', 'v2']);
});

test('an update to a pod that does not get ready stops there, and going back repairs it', async () => {
  await using deps = await start(db(3), pod => pod.spec.containers[0]?.image !== 'bad');
  await setImage(deps, 'bad');
  await rounds(deps);
  assert.deepEqual(images(deps), ['v1', 'v1', 'bad']);
  await deps.client.delete(pods, { namespace: 'default', name: 'db-2' });
  await setImage(deps, 'v1');
  await rounds(deps);
  assert.deepEqual(images(deps), ['v1', 'v1', 'v1']);
  assert.equal(deps.client.peekAll(controllerrevisions).length, 2);
});

test('OnDelete replaces only what the user deletes', async () => {
  await using deps = await start(db(2, { updateStrategy: { type: 'OnDelete' } }));
  await setImage(deps, 'v2');
  await rounds(deps);
  assert.deepEqual(images(deps), ['v1', 'v1']);
  await deps.client.delete(pods, { namespace: 'default', name: 'db-1' });
  await rounds(deps);
  assert.deepEqual(images(deps), ['v1', 'v2']);
});

test('a failed pod is made anew under its name', async () => {
  await using deps = await start(db(2));
  const pod = deps.client.peek(pods, { namespace: 'default', name: 'db-0' })!;
  await setPodStatus(deps, pod, { phase: 'Failed' });
  await rounds(deps);
  const again = deps.client.peek(pods, { namespace: 'default', name: 'db-0' });
  assert.notEqual(again?.metadata.uid, pod.metadata.uid);
  assert.equal(again?.status?.phase, 'Running');
  assert.ok(deps.recorded.some(({ reason }) => reason === 'RecreatingFailedPod'));
});

test('revisions beyond the history limit are deleted', async () => {
  await using deps = await start(db(1, { revisionHistoryLimit: 1 }));
  for (const image of ['v2', 'v3', 'v4']) {
    await setImage(deps, image);
    await rounds(deps);
  }
  assert.equal(deps.client.peekAll(controllerrevisions).length, 2);
});
