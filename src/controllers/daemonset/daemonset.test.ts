import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DaemonSet, DaemonSetSpec, Node, Pod } from '#api';
import { resources } from '#api';
import { runPods, setPodStatus, startTestControllers, type TestControllers } from '../testing.ts';
import { daemonset } from './controller.ts';
import { targetOf } from './daemon-pod.ts';

const { daemonsets, pods, nodes, controllerrevisions } = resources;
const labels = { app: 'agent' };
const ref = { namespace: 'default', name: 'agent' };

const node = (name: string, more: { labels?: Record<string, string>; spec?: Node['spec'] } = {}): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', spec: more.spec ?? {} },
  metadata: { name, ...(more.labels && { labels: more.labels }) },
});
const agent = (more: Partial<DaemonSetSpec> = {}, pod: Partial<Pod['spec']> = {}): DaemonSet => ({
  ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { ...ref, uid: 'ds-uid', generation: 1 } },
  spec: {
    selector: { matchLabels: labels },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
    template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'v1' }], ...pod } },
    ...more,
  },
});
const rounds = async (deps: TestControllers, count = 8) => {
  for (let round = 0; round < count; round++) await deps.settle();
};
async function start(set: DaemonSet, machines: readonly Node[], ready?: (pod: Pod) => boolean) {
  const deps = await startTestControllers([daemonset], machines);
  runPods(deps, ready);
  await deps.client.create(daemonsets, set);
  await rounds(deps);
  return deps;
}
const places = (deps: TestControllers) => deps.client.peekAll(pods).map(targetOf).sort();
const images = (deps: TestControllers) => deps.client.peekAll(pods).map(pod => pod.spec.containers[0]?.image);
const status = (deps: TestControllers) => deps.client.peek(daemonsets, ref)?.status;
const setImage = async (deps: TestControllers, image: string) => {
  const set = deps.client.peek(daemonsets, ref)!;
  const template = { ...set.spec.template, spec: { containers: [{ name: 'main', image }] } };
  await deps.client.update(daemonsets, { ...set, spec: { ...set.spec, template } });
};

test('every node gets one pod, also nodes that come later, and a lost pod is made anew', async () => {
  await using deps = await start(agent(), [node('a'), node('b')]);
  assert.deepEqual(places(deps), ['a', 'b']);
  await deps.client.create(nodes, node('c'));
  await rounds(deps);
  assert.deepEqual(places(deps), ['a', 'b', 'c']);
  await deps.client.delete(pods, deps.client.peekAll(pods)[0]!.metadata);
  await rounds(deps);
  assert.deepEqual(places(deps), ['a', 'b', 'c']);
  const { observedGeneration: _, ...counts } = status(deps)!;
  assert.deepEqual(counts, {
    ...{ desiredNumberScheduled: 3, currentNumberScheduled: 3, numberMisscheduled: 0, numberReady: 3 },
    ...{ updatedNumberScheduled: 3, numberAvailable: 3 },
  });
});

test('pods are bound to their node by affinity, and stay on drained nodes', async () => {
  await using deps = await start(agent(), [node('a', { spec: { unschedulable: true, taints: [unschedulable] } })]);
  const [pod] = deps.client.peekAll(pods);
  assert.equal(pod?.spec.nodeName, undefined);
  const keys = pod?.spec.tolerations?.map(({ key, effect }) => `${key?.split('/')[1]}:${effect}`);
  assert.deepEqual(keys, [
    ...['not-ready:NoExecute', 'unreachable:NoExecute', 'disk-pressure:NoSchedule'],
    ...['memory-pressure:NoSchedule', 'pid-pressure:NoSchedule', 'unschedulable:NoSchedule'],
  ]);
  assert.match(pod?.metadata.labels?.['controller-revision-hash'] ?? '', /^\w+$/);
});
const unschedulable = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

test('only nodes that fit get a pod; one on a node that fits no more goes', async () => {
  const machines = [node('a', { labels: { disk: 'ssd' } }), node('b')];
  await using deps = await start(agent({}, { nodeSelector: { disk: 'ssd' } }), machines);
  assert.deepEqual(places(deps), ['a']);
  await deps.client.update(nodes, { ...deps.client.peek(nodes, { name: 'a' })!, metadata: { name: 'a', labels: {} } });
  await rounds(deps);
  assert.deepEqual(places(deps), []);
});

test('a taint keeps new pods away; only NoExecute takes one that is there', async () => {
  const tainted = (effect: string) => ({ spec: { taints: [{ key: 'mine', effect }] } });
  await using deps = await start(agent(), [node('a'), node('b', tainted('NoSchedule'))]);
  assert.deepEqual(places(deps), ['a']);
  const set = async (effect: string) => {
    await deps.client.update(nodes, { ...deps.client.peek(nodes, { name: 'a' })!, ...tainted(effect) });
    await rounds(deps);
  };
  await set('NoSchedule');
  assert.deepEqual(places(deps), ['a']);
  assert.equal(status(deps)?.numberMisscheduled, 1);
  await set('NoExecute');
  assert.deepEqual(places(deps), []);
});

test('an update replaces one pod after the other, and stops at one that does not serve', async () => {
  const machines = ['a', 'b', 'c'].map(name => node(name));
  await using deps = await start(agent(), machines, pod => pod.spec.containers[0]?.image !== 'bad');
  await setImage(deps, 'v2');
  await rounds(deps, 20);
  assert.deepEqual(images(deps), ['v2', 'v2', 'v2']);
  assert.equal(status(deps)?.updatedNumberScheduled, 3);
  await setImage(deps, 'bad');
  await rounds(deps, 20);
  assert.deepEqual(images(deps).sort(), ['bad', 'v2', 'v2']);
  assert.equal(status(deps)?.numberUnavailable, 1);
  await setImage(deps, 'v1');
  await rounds(deps, 20);
  assert.deepEqual(images(deps), ['v1', 'v1', 'v1']);
  assert.equal(deps.client.peekAll(controllerrevisions).length, 3);
});

test('with a surge the new pod serves before the old one goes', async () => {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
  const machines = [node('a'), node('b')];
  await using deps = await start(
    agent({ updateStrategy: strategy }),
    machines,
    pod => pod.spec.containers[0]?.image !== 'slow',
  );
  await setImage(deps, 'slow');
  await rounds(deps, 12);
  assert.deepEqual(images(deps).sort(), ['slow', 'v1', 'v1']);
  await setImage(deps, 'v3');
  await rounds(deps, 30);
  assert.deepEqual(images(deps), ['v3', 'v3']);
});

test('OnDelete replaces only what the user deletes', async () => {
  await using deps = await start(agent({ updateStrategy: { type: 'OnDelete' } }), [node('a'), node('b')]);
  await setImage(deps, 'v2');
  await rounds(deps);
  assert.deepEqual(images(deps), ['v1', 'v1']);
  await deps.client.delete(pods, deps.client.peekAll(pods)[0]!.metadata);
  await rounds(deps);
  assert.deepEqual(images(deps).sort(), ['v1', 'v2']);
});

test('a failed pod is replaced, the next one after a pause', async () => {
  await using deps = await start(agent(), [node('a')]);
  const fail = async () => {
    const [pod] = deps.client.peekAll(pods);
    await setPodStatus(deps, pod!, { phase: 'Failed' });
    await rounds(deps);
    return pod!.metadata.uid !== deps.client.peekAll(pods)[0]?.metadata.uid;
  };
  assert.equal(await fail(), true);
  assert.equal(await fail(), false, 'it waits');
  await deps.clock.advance(1000);
  await rounds(deps);
  assert.equal(deps.client.peekAll(pods)[0]?.status?.phase, 'Running');
  const message = deps.recorded.find(event => event.reason === 'FailedDaemonPod')?.message ?? '';
  assert.match(message, /^Found failed daemon pod default\/\S+ on node .*, will try to kill it$/);
});
