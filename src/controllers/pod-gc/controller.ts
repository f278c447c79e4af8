import { resources } from '#api';
import { isNotFound } from '#client';
import type { ControllerDeps, ControllerSpec } from '../controller.ts';
import { disruptPod } from '../disrupt-pod.ts';
import { startLoop } from '../loop.ts';
import { planPodGc } from './plan.ts';

const { pods, nodes } = resources;

/** Upstream's gcCheckPeriod. */
const periodMs = 20_000;

/** Removes pods that no node will ever end. */
export const podGc: ControllerSpec = {
  name: 'pod-garbage-collector',
  serviceAccount: 'pod-garbage-collector',
  reads: [pods, nodes],
  writes: [
    { resource: pods, verbs: ['delete'] },
    { resource: pods, verbs: ['patch'], subresources: ['status'] },
  ],
  async start(deps) {
    const { informers, config, clock, client } = deps;
    const [allPods, allNodes] = [informers.of(pods), informers.of(nodes)];
    let missing: ReadonlyMap<string, number> = new Map();
    const loop = startLoop(deps, {
      name: 'pod-garbage-collector',
      informers: [allPods, allNodes],
      async sync() {
        const plan = planPodGc({
          pods: allPods.list(),
          hasNode: name => allNodes.get(undefined, name) !== undefined,
          missing,
          terminatedLimit: config.terminatedPodLimit ?? 12_500,
          nowMs: clock.now(),
        });
        missing = plan.missing;
        for (const pod of plan.terminated) await disruptPod(deps, pod, { gracePeriodSeconds: 0 });
        for (const pod of plan.unscheduled) {
          await disruptPod(deps, pod, { gracePeriodSeconds: 0, phase: 'Failed' });
        }
        const confirmed = new Map<string, boolean>();
        for (const pod of plan.orphaned) {
          const name = pod.spec.nodeName ?? '';
          if (!confirmed.has(name)) confirmed.set(name, await isNodeGone({ client }, name));
          if (!confirmed.get(name)) continue;
          const message = 'PodGC: node no longer exists';
          await disruptPod(deps, pod, { gracePeriodSeconds: 0, phase: 'Failed', reason: 'DeletionByPodGC', message });
        }
      },
    });
    loop.every(periodMs, 'all');
    return loop;
  },
};

async function isNodeGone({ client }: Pick<ControllerDeps, 'client'>, name: string): Promise<boolean> {
  try {
    await client.get(nodes, { name });
    return false;
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}
