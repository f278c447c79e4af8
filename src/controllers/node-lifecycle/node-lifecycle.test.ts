import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lease, Node, Pod, Taint, Toleration } from '#api';
import { resources } from '#api';
import { formatMicroTime } from '#base';
import type { TestControllers } from '../testing.ts';
import { readyStatus, startTestControllers } from '../testing.ts';
import { nodeLifecycle } from './controller.ts';
import { evictionTime } from './eviction-plan.ts';
import { taintEviction } from './taint-eviction.ts';
import { planTaints } from './taints.ts';

const { nodes, pods, leases } = resources;
const node = (name: string, ready = 'True', more: Partial<Node['spec']> = {}): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name, creationTimestamp: '2026-01-01T00:00:00Z' }, spec: more },
  status: { conditions: [{ type: 'Ready', status: ready, lastHeartbeatTime: '2026-01-01T00:00:00Z' }] },
});
const lease = (name: string): Lease => ({
  ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace: 'kube-node-lease', name } },
  spec: { renewTime: '2026-01-01T00:00:00.000000Z' },
});
const tolerateFor = (tolerationSeconds: number): Toleration[] =>
  ['not-ready', 'unreachable'].map(key => ({
    ...{ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect: 'NoExecute', tolerationSeconds },
  }));
const pod = (name: string, nodeName: string, tolerations: Toleration[] = tolerateFor(300)): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name } },
  ...{ spec: { containers: [], nodeName, tolerations }, status: readyStatus(0) },
});
const tick = async (deps: TestControllers, seconds: number, alive: string[]) => {
  for (let passed = 0; passed < seconds; passed += 10) {
    for (const name of alive) {
      const spec = { renewTime: formatMicroTime(deps.clock.now()) };
      await deps.client.patch(leases, { namespace: 'kube-node-lease', name }, { type: 'merge', body: { spec } });
    }
    await deps.clock.advance(10_000);
    await deps.settle();
  }
};
const taintsOf = (deps: TestControllers, name: string) =>
  (deps.client.peek(nodes, { name })?.spec.taints ?? [])
    .map(({ key, effect }) => `${key.split('/')[1]}:${effect}`)
    .sort();
const readiness = (object: Node | Pod | undefined) => object?.status?.conditions?.find(({ type }) => type === 'Ready');

test('a node that renews its lease stays as it is', async () => {
  await using deps = await startTestControllers([nodeLifecycle], [node('a'), lease('a')]);
  await tick(deps, 200, ['a']);
  assert.equal(readiness(deps.client.peek(nodes, { name: 'a' }))?.status, 'True');
  assert.deepEqual(
    deps.client.calls.filter(call => call.resource.startsWith('nodes')),
    [],
  );
});

test('a silent node is unknown, tainted, its pods leave services, and are evicted after their toleration', async () => {
  const objects = [node('a'), lease('a'), node('b'), lease('b'), pod('x', 'b'), pod('y', 'a')];
  await using deps = await startTestControllers([nodeLifecycle, taintEviction], objects);
  await tick(deps, 40, ['a']);
  assert.deepEqual(taintsOf(deps, 'b'), []);
  await tick(deps, 30, ['a']);
  assert.deepEqual(taintsOf(deps, 'b'), ['unreachable:NoExecute', 'unreachable:NoSchedule']);
  const ready = readiness(deps.client.peek(nodes, { name: 'b' }));
  assert.deepEqual([ready?.status, ready?.reason], ['Unknown', 'NodeStatusUnknown']);
  const x = () => deps.client.peek(pods, { namespace: 'default', name: 'x' });
  assert.equal(readiness(x())?.status, 'False');
  assert.equal(x()?.metadata.deletionTimestamp, undefined);
  await tick(deps, 300, ['a']);
  assert.ok(x()?.metadata.deletionTimestamp);
  assert.equal(
    x()?.status?.conditions?.find(({ type }) => type === 'DisruptionTarget')?.reason,
    'DeletionByTaintManager',
  );
  const y = deps.client.peek(pods, { namespace: 'default', name: 'y' });
  assert.equal(readiness(y)?.status, 'True');
  assert.deepEqual(
    deps.recorded.map(({ reason }) => reason),
    ['NodeNotReady', 'NodeNotReady', 'TaintManagerEviction'],
  );
});

test('a node that comes back loses its taints, and its pods stay', async () => {
  const objects = [node('a'), lease('a'), node('b'), lease('b'), pod('x', 'b')];
  await using deps = await startTestControllers([nodeLifecycle, taintEviction], objects);
  await tick(deps, 100, ['a']);
  const b = deps.client.peek(nodes, { name: 'b' })!;
  await deps.client.update(nodes, { ...b, status: node('b').status }, { subresource: 'status' });
  await tick(deps, 400, ['a', 'b']);
  assert.deepEqual(taintsOf(deps, 'b'), []);
  assert.equal(deps.client.peek(pods, { namespace: 'default', name: 'x' })?.metadata.deletionTimestamp, undefined);
  assert.equal(deps.recorded.at(-1)?.message, 'Cancelling deletion of Pod default/x');
});

test('when all nodes are silent nothing is evicted', async () => {
  await using deps = await startTestControllers([nodeLifecycle, taintEviction], [node('a'), lease('a'), pod('x', 'a')]);
  await tick(deps, 500, []);
  assert.deepEqual(taintsOf(deps, 'a'), ['unreachable:NoSchedule']);
  assert.equal(deps.client.peek(pods, { namespace: 'default', name: 'x' })?.metadata.deletionTimestamp, undefined);
});

for (const [what, object, expected] of [
  ['a node that is not ready', node('a', 'False'), ['not-ready:NoSchedule', 'not-ready:NoExecute']],
  ['a cordoned node', node('a', 'True', { unschedulable: true }), ['unschedulable:NoSchedule']],
  [
    'a foreign taint and one that is over',
    node('a', 'True', {
      taints: [
        { key: 'x/mine', effect: 'NoExecute' },
        { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' },
      ],
    }),
    ['mine:NoExecute'],
  ],
] as const) {
  test(`${what} has the taints ${expected}`, () => {
    assert.deepEqual(
      planTaints(object, true, 0).map(({ key, effect }) => `${key.split('/')[1]}:${effect}`),
      expected,
    );
  });
}

const taint: Taint = { key: 'k', value: 'v', effect: 'NoExecute' };
for (const [what, tolerations, expected] of [
  ['none', [], 0],
  ['all', [{ operator: 'Exists' }], 'never'],
  ['another value', [{ key: 'k', value: 'w' }], 0],
  ['for a time', [{ key: 'k', value: 'v', tolerationSeconds: 10 }], 15_000],
  [
    'for the shortest of times',
    [
      { key: 'k', operator: 'Exists', tolerationSeconds: 9 },
      { operator: 'Exists', tolerationSeconds: 3 },
    ],
    8000,
  ],
  ['only other effects', [{ key: 'k', operator: 'Exists', effect: 'NoSchedule' }], 0],
] as const) {
  test(`a pod that tolerates ${what} leaves at ${expected}`, () => {
    assert.equal(
      evictionTime(pod('p', 'n', [...tolerations]), [taint], () => 5000),
      expected,
    );
  });
}
