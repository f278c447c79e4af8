import type { Pod } from '#api';
import { podCgroup } from '../containers/resources.ts';
import type { RuntimePod } from '../runtime/runtime-pod.ts';
import type { PodContext } from './context.ts';
import type { Plan } from './plan.ts';
import { containersOf } from './pod-spec.ts';
import { podStatus, withLatest } from './pod-status.ts';
import { cgroupRootOf } from './start-sandbox.ts';

/** The startup probe has passed (or there is none) and the postStart hook is over. */
export function isStarted(context: PodContext, pod: Pod, container: { id: string; name: string }): boolean {
  const spec = containersOf(pod).find(one => one.container.name === container.name);
  if (!spec || context.memory(pod.metadata.uid ?? '').hooks.has(container.id)) return false;
  return context.prober.started(container, spec.container);
}

/** What is known beside the pod and the runtime when a status is made. */
export function statusFacts(context: PodContext, pod: Pod, plan: Plan | undefined) {
  const memory = context.memory(pod.metadata.uid ?? '');
  const specs = containersOf(pod);
  return {
    waiting: new Map([...memory.waiting, ...(plan?.waiting ?? [])]),
    started: (container: { id: string; name: string }) => isStarted(context, pod, container),
    probedReady: (container: { id: string; name: string }) => {
      const spec = specs.find(one => one.container.name === container.name);
      return spec !== undefined && context.prober.ready(container, spec.container);
    },
    nowMs: context.clock.now(),
    nodeIps: context.config.nodeIps,
    verdict: memory.verdict,
  };
}

/** Hands the status on. `ended`: nothing of the pod runs and nothing will. */
export function report(
  context: PodContext,
  pod: Pod,
  runtime: RuntimePod,
  plan: Plan | undefined,
  ended = false,
): void {
  const known = withLatest(pod, context.status.latest(pod.metadata.uid ?? ''));
  context.status.set(pod, podStatus(known, runtime, { ...statusFacts(context, pod, plan), ended }));
}

/** The pod's group; empty when the runtime makes it. */
export function groupOf(context: PodContext, pod: Pod): string | undefined {
  if (context.config.cgroupDriver !== 'cgroupfs') return undefined;
  return podCgroup(pod, { driver: 'cgroupfs', root: cgroupRootOf(context) });
}
