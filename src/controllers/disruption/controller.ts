import type { Pod, PodDisruptionBudget } from '#api';
import { resources } from '#api';
import type { ControllerDeps, ControllerSpec } from '../controller.ts';
import { equalContent } from '../hash.ts';
import { startLoop } from '../loop.ts';
import { controllerRefOf, groupOf, refOfKey } from '../owners.ts';
import { matchesSelector } from '../selector.ts';
import { planDisruption } from './plan.ts';

const { poddisruptionbudgets, pods, replicasets, deployments, statefulsets, replicationcontrollers } = resources;

/** Tells how many pods of each budget may be disrupted: the eviction subresource asks this status. */
export const disruption: ControllerSpec = {
  name: 'disruption',
  serviceAccount: 'disruption-controller',
  reads: [poddisruptionbudgets, pods, replicasets, deployments, statefulsets, replicationcontrollers],
  writes: [{ resource: poddisruptionbudgets, verbs: ['update'], subresources: ['status'] }],
  async start(deps) {
    const { informers } = deps;
    const budgets = informers.of(poddisruptionbudgets);
    const allPods = informers.of(pods);
    const owners = [replicasets, deployments, statefulsets, replicationcontrollers].map(one =>
      informers.of<ScaledOwner>(one as never),
    );
    const loop = startLoop(deps, {
      name: 'disruption',
      informers: [budgets, allPods, ...owners],
      sync: key => sync(deps, key),
    });
    const keyOf = ({ metadata }: PodDisruptionBudget) => `${metadata.namespace}/${metadata.name}`;
    loop.on(budgets, ({ object, type }) => (type === 'deleted' ? [] : [keyOf(object)]));
    loop.on(allPods, ({ object, old }) =>
      budgets
        .list(object.metadata.namespace)
        .filter(({ spec }) => [object, old].some(pod => pod && matchesSelector(spec?.selector, pod.metadata.labels)))
        .map(keyOf),
    );
    for (const informer of owners) {
      // A scale changes what is expected; its pods follow, but maybe only after somebody asked.
      loop.on(informer, ({ object, old }) =>
        old && old.spec.replicas !== object.spec.replicas ? budgets.list(object.metadata.namespace).map(keyOf) : [],
      );
    }
    return loop;
  },
};

interface ScaledOwner {
  metadata: Pod['metadata'];
  spec: { replicas?: number | undefined };
}

async function sync(deps: ControllerDeps, key: string) {
  const { informers, clock, events, client } = deps;
  const ref = refOfKey(key);
  const budget = informers.of(poddisruptionbudgets).get(ref.namespace, ref.name);
  if (!budget) return;
  const selected = informers
    .of(pods)
    .list(ref.namespace)
    .filter(({ metadata }) => matchesSelector(budget.spec?.selector, metadata.labels));
  const plan = planDisruption({
    budget,
    pods: selected,
    expectedScale: () => expectedScale(deps, selected),
    nowMs: clock.now(),
  });
  if (plan.problem)
    events.record(budget, { type: 'Warning', reason: 'CalculateExpectedPodCountFailed', message: plan.problem });
  for (const pod of plan.notDeleted) {
    const message = `Pod was expected by PDB ${key} to be deleted but it wasn't`;
    events.record(pod, { type: 'Warning', reason: 'NotDeleted', message });
  }
  if (!equalContent(plan.status, budget.status)) {
    await client.update(poddisruptionbudgets, { ...budget, status: plan.status }, { subresource: 'status' });
  }
  return plan.afterMs === undefined ? undefined : { afterMs: plan.afterMs + 1000 };
}

/** Sum of what the controllers of the pods want, each once. Pods of no controller do not count, as upstream. */
function expectedScale({ informers }: ControllerDeps, selected: readonly Pod[]): number | { problem: string } {
  const scales = new Map<string, number>();
  const scaled = [replicasets, statefulsets, replicationcontrollers];
  for (const pod of selected) {
    const ref = controllerRefOf(pod);
    if (!ref || scales.has(ref.uid)) continue;
    const resource = scaled.find(({ kind, group }) => kind === ref.kind && group === groupOf(ref.apiVersion));
    const owner = resource && informers.of<ScaledOwner>(resource as never).get(pod.metadata.namespace, ref.name);
    if (!resource)
      return {
        problem: `${ref.kind.toLowerCase()}s.${groupOf(ref.apiVersion)} does not implement the scale subresource`,
      };
    if (!owner || owner.metadata.uid !== ref.uid) continue;
    const parent = controllerRefOf(owner);
    const deployment = parent?.kind === 'Deployment' ? informers.of(deployments).byUid(parent.uid) : undefined;
    const [uid, wanted] = deployment
      ? [deployment.metadata.uid!, deployment.spec.replicas ?? 1]
      : [ref.uid, owner.spec.replicas ?? 1];
    scales.set(uid, wanted);
  }
  return [...scales.values()].reduce((sum, scale) => sum + scale, 0);
}
