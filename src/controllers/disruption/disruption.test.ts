import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodDisruptionBudget, PodDisruptionBudgetSpec } from '#api';
import { resources } from '#api';
import { readyStatus, startTestControllers } from '../testing.ts';
import { disruption } from './controller.ts';
import { planDisruption } from './plan.ts';

const { poddisruptionbudgets, pods } = resources;
const labels = { app: 'web' };
const ref = { namespace: 'default', name: 'web' };
const budget = (spec: PodDisruptionBudgetSpec, status = {}): PodDisruptionBudget => ({
  ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { ...ref, generation: 1 } },
  ...{ spec: { selector: { matchLabels: labels }, ...spec }, status },
});
const pod = (name: string, ready = true): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: {
    ...{ namespace: 'default', name, labels },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs', controller: true }],
  },
  ...{ spec: { containers: [] }, status: ready ? readyStatus(0) : { phase: 'Pending' } },
});
const plan = (spec: PodDisruptionBudgetSpec, ready: number, scale: number, status = {}) => {
  const all = Array.from({ length: scale }, (_, index) => pod(`p${index}`, index < ready));
  return planDisruption({
    budget: budget(spec, status),
    pods: all,
    expectedScale: () => scale,
    nowMs: Date.UTC(2026, 0, 1),
  });
};

for (const [spec, ready, scale, allowed] of [
  [{ minAvailable: 2 }, 3, 3, 1],
  [{ minAvailable: 2 }, 2, 3, 0],
  [{ minAvailable: '50%' }, 5, 5, 2],
  [{ maxUnavailable: 1 }, 5, 5, 1],
  [{ maxUnavailable: 1 }, 4, 5, 0],
  [{ maxUnavailable: '30%' }, 10, 10, 3],
  [{ maxUnavailable: '10%' }, 4, 4, 1],
  [{ minAvailable: '100%' }, 3, 3, 0],
  [{ maxUnavailable: 1 }, 0, 0, 0],
] as const) {
  test(`of ${scale} pods with ${ready} ready, ${JSON.stringify(spec)} allows ${allowed}`, () => {
    const { status } = plan(spec, ready, scale);
    assert.equal(status.disruptionsAllowed, allowed);
    assert.equal(status.conditions?.[0]?.reason, allowed ? 'SufficientPods' : 'InsufficientPods');
  });
}

test('a granted eviction counts until its pod goes, or for two minutes', () => {
  const recent = plan({ minAvailable: 1 }, 3, 3, {
    disruptedPods: { p0: '2025-12-31T23:59:00Z', gone: '2025-12-31T23:59:00Z' },
  });
  assert.deepEqual([recent.status.disruptionsAllowed, recent.afterMs], [1, 60_000]);
  assert.deepEqual(recent.status.disruptedPods, { p0: '2025-12-31T23:59:00Z' });
  const late = plan({ minAvailable: 1 }, 3, 3, { disruptedPods: { p0: '2025-12-31T23:57:00Z' } });
  assert.deepEqual([late.status.disruptionsAllowed, late.notDeleted.length], [2, 1]);
});

test('a budget follows its pods and the scale of their owner', async () => {
  const set = {
    ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { namespace: 'default', name: 'web', uid: 'rs' } },
    spec: { replicas: 3, selector: {} },
  };
  await using deps = await startTestControllers(
    [disruption],
    [set, budget({ maxUnavailable: 1 }), pod('a'), pod('b'), pod('c', false)],
  );
  const allowed = () => deps.client.peek(poddisruptionbudgets, ref)?.status?.disruptionsAllowed;
  assert.equal(allowed(), 0);
  const c = deps.client.peek(pods, { namespace: 'default', name: 'c' })!;
  await deps.client.update(pods, { ...c, status: readyStatus(0) }, { subresource: 'status' });
  await deps.settle();
  assert.equal(allowed(), 1);
  await deps.client.patch(resources.replicasets, ref, { type: 'merge', body: { spec: { replicas: 5 } } });
  await deps.settle();
  assert.equal(allowed(), 0);
});

test('pods of a controller without a scale allow nothing, and the user is told', async () => {
  const odd = pod('a');
  odd.metadata.ownerReferences![0]!.kind = 'Widget';
  await using deps = await startTestControllers([disruption], [budget({ maxUnavailable: 1 }), odd]);
  const status = deps.client.peek(poddisruptionbudgets, ref)?.status;
  assert.deepEqual([status?.disruptionsAllowed, status?.conditions?.[0]?.reason], [0, 'SyncFailed']);
  assert.equal(deps.recorded[0]?.reason, 'CalculateExpectedPodCountFailed');
});
