import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, Pod, ReplicaSet } from '#api';
import { resources } from '#api';
import { replicaset } from '../replicaset/controller.ts';
import type { TestControllers } from '../testing.ts';
import { runPods, startTestControllers } from '../testing.ts';
import { deployment } from './controller.ts';
import { fenceposts, proportionalSizes } from './sizes.ts';

const { pods, deployments, replicasets } = resources;
const ref = { namespace: 'default', name: 'web' };
const labels = { app: 'web' };

function web(replicas: number, more: Partial<Deployment['spec']> = {}): Deployment {
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'v1' }] } };
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } };
  const limits = { revisionHistoryLimit: 10, progressDeadlineSeconds: 600 };
  const spec = { replicas, selector: { matchLabels: labels }, template, strategy, ...limits, ...more };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { ...ref }, spec };
}

const read = (deps: TestControllers) => deps.client.peek(deployments, ref)!;
const images = (deps: TestControllers) =>
  deps.client
    .peekAll(pods)
    .map(pod => pod.spec.containers[0]!.image!)
    .sort();
const change = (deps: TestControllers, spec: unknown) =>
  deps.client.patch(deployments, ref, { type: 'strategic', body: { spec } });
const setImage = (deps: TestControllers, image: string) =>
  change(deps, { template: { spec: { containers: [{ name: 'c', image }] } } });
const progress = (deps: TestControllers) =>
  read(deps).status?.conditions?.find(condition => condition.type === 'Progressing');

async function settled(deps: TestControllers) {
  for (let i = 0; i < 12; i++) await deps.settle();
}

async function start(object: Deployment, ready?: (pod: Pod) => boolean) {
  const deps = await startTestControllers([deployment, replicaset]);
  const node = runPods(deps, ready);
  await deps.client.create(deployments, object);
  await settled(deps);
  return Object.assign(deps, { node });
}

test('a deployment makes a set named by its template, and is complete when its pods are', async () => {
  await using deps = await start(web(3));
  const [set] = deps.client.peekAll(replicasets);
  const hash = set!.metadata.labels!['pod-template-hash']!;
  assert.equal(set!.metadata.name, `web-${hash}`);
  assert.equal(set!.spec.selector.matchLabels!['pod-template-hash'], hash);
  assert.equal(set!.metadata.annotations!['deployment.kubernetes.io/revision'], '1');
  assert.equal(read(deps).metadata.annotations!['deployment.kubernetes.io/revision'], '1');
  assert.equal(read(deps).metadata.generation, 1);
  const { status } = read(deps);
  assert.deepEqual(
    [status?.replicas, status?.updatedReplicas, status?.availableReplicas, status?.unavailableReplicas],
    [3, 3, 3, undefined],
  );
  assert.deepEqual([progress(deps)?.reason, progress(deps)?.status], ['NewReplicaSetAvailable', 'True']);
  assert.equal(status?.conditions?.find(one => one.type === 'Available')?.status, 'True');
  assert.deepEqual(
    deps.recorded.filter(event => event.reason === 'ScalingReplicaSet').map(event => event.message),
    [`Scaled up replica set ${set!.metadata.name} from 0 to 3`],
  );
});

test('a rolling update keeps within its bounds and ends with the new template only', async () => {
  await using deps = await start(web(8));
  let [most, fewest] = [0, 99];
  using _ = deps.informers.of(pods).onChange(() => {
    const all = deps.client.peekAll(pods).filter(pod => !pod.metadata.deletionTimestamp);
    most = Math.max(most, all.length);
    fewest = Math.min(fewest, all.filter(pod => pod.status?.phase === 'Running').length);
  });
  await setImage(deps, 'v2');
  await settled(deps);
  assert.deepEqual(images(deps), Array(8).fill('v2'));
  assert.ok(most <= 10, `${most} pods at once`);
  assert.ok(fewest >= 6, `${fewest} pods available`);
  assert.equal(read(deps).metadata.annotations!['deployment.kubernetes.io/revision'], '2');
});

test('going back to an old template makes its set the newest revision', async () => {
  await using deps = await start(web(2));
  await setImage(deps, 'v2');
  await settled(deps);
  await setImage(deps, 'v1');
  await settled(deps);
  assert.deepEqual(images(deps), ['v1', 'v1']);
  const old = deps.client.peekAll(replicasets).find(set => set.spec.template?.spec?.containers[0]?.image === 'v1');
  assert.equal(deps.client.peekAll(replicasets).length, 2);
  assert.equal(old?.metadata.annotations?.['deployment.kubernetes.io/revision'], '3');
  assert.equal(old?.metadata.annotations?.['deployment.kubernetes.io/revision-history'], '1');
});

test('a rollout that does not get ready stops within its bounds and is told after the deadline', async () => {
  const object = web(4, { progressDeadlineSeconds: 60 });
  await using deps = await start(object, pod => pod.spec.containers[0]!.image !== 'bad');
  await setImage(deps, 'bad');
  await settled(deps);
  assert.deepEqual(images(deps), ['bad', 'bad', 'v1', 'v1', 'v1']);
  await deps.clock.advance(62_000);
  await settled(deps);
  assert.deepEqual([progress(deps)?.status, progress(deps)?.reason], ['False', 'ProgressDeadlineExceeded']);
  await setImage(deps, 'v1');
  await settled(deps);
  assert.deepEqual(images(deps), Array(4).fill('v1'));
  assert.equal(progress(deps)?.reason, 'NewReplicaSetAvailable');
});

test('a paused deployment scales but does not roll', async () => {
  await using deps = await start(web(2));
  await change(deps, { paused: true, template: { spec: { containers: [{ name: 'c', image: 'v2' }] } } });
  await settled(deps);
  assert.deepEqual(images(deps), ['v1', 'v1']);
  assert.equal(progress(deps)?.reason, 'DeploymentPaused');
  await change(deps, { replicas: 3 });
  await settled(deps);
  assert.deepEqual(images(deps), ['v1', 'v1', 'v1']);
  await change(deps, { paused: false });
  await settled(deps);
  assert.deepEqual(images(deps), ['v2', 'v2', 'v2']);
});

test('Recreate stops all old pods before the first new one', async () => {
  await using deps = await start(web(3, { strategy: { type: 'Recreate' } }));
  let mixed = false;
  using _ = deps.informers.of(pods).onChange(() => {
    mixed ||= new Set(images(deps)).size > 1;
  });
  await setImage(deps, 'v2');
  await settled(deps);
  assert.deepEqual(images(deps), ['v2', 'v2', 'v2']);
  assert.equal(mixed, false);
});

test('old sets beyond the history limit are deleted', async () => {
  await using deps = await start(web(1, { revisionHistoryLimit: 1 }));
  for (const image of ['v2', 'v3', 'v4']) {
    await setImage(deps, image);
    await settled(deps);
  }
  const revisions = deps.client
    .peekAll(replicasets)
    .map(set => set.metadata.annotations?.['deployment.kubernetes.io/revision']);
  assert.deepEqual(revisions.sort(), ['3', '4']);
});

test('a set of another owner under the same name makes the hash change', async () => {
  await using first = await start(web(1));
  const [taken] = first.client.peekAll(replicasets);
  const foreign: ReplicaSet = { ...taken!, metadata: { ...ref, name: taken!.metadata.name, labels: {} } };
  foreign.spec = {
    ...foreign.spec,
    template: { spec: { containers: [{ name: 'x', image: 'x' }] } },
    selector: { matchLabels: { x: 'y' } },
  };
  await using deps = await startTestControllers([deployment], [foreign]);
  await deps.client.create(deployments, web(1));
  await deps.settle();
  await deps.clock.advance(1000);
  await settled(deps);
  assert.equal(read(deps).status?.collisionCount, 1);
  assert.equal(deps.client.peekAll(replicasets).length, 2);
});

for (const [maxSurge, maxUnavailable, replicas, expected] of [
  ['25%', '25%', 10, { maxSurge: 3, maxUnavailable: 2 }],
  ['25%', '25%', 1, { maxSurge: 1, maxUnavailable: 0 }],
  [0, 0, 3, { maxSurge: 0, maxUnavailable: 1 }],
  [1, 5, 3, { maxSurge: 1, maxUnavailable: 3 }],
] as const) {
  test(`surge ${maxSurge} and unavailable ${maxUnavailable} of ${replicas} resolve as upstream`, () => {
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } };
    assert.deepEqual(fenceposts(web(replicas, { strategy })), expected);
  });
}

test('a change of replicas in a rollout is shared in proportion', () => {
  const set = (name: string, replicas: number): ReplicaSet => ({
    metadata: { name, creationTimestamp: name, annotations: { 'deployment.kubernetes.io/max-replicas': '13' } },
    spec: { replicas, selector: {} },
  });
  const [old, current] = [set('1', 8), set('2', 5)];
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } };
  const sizes = proportionalSizes(web(15, { strategy }), [old, current]);
  assert.deepEqual([sizes.get(old), sizes.get(current)], [11, 7]);
});
