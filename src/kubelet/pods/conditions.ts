import type { ContainerStatus, Pod, PodCondition } from '#api';
import { formatTime } from '#base';
import type { ContainerStatuses } from './container-status.ts';
import { isSidecar } from './pod-spec.ts';

type Verdict = Pick<PodCondition, 'status' | 'reason' | 'message'>;

/** Types of the conditions that are made here. */
export const ownConditions: ReadonlySet<string> = new Set([
  ...['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'],
]);

/** The conditions that the node agent owns, in upstream's order, over those that others wrote. */
export function podConditions(
  pod: Pod,
  statuses: ContainerStatuses,
  facts: { phase: string; sandboxReady: boolean; nowMs: number },
): PodCondition[] {
  const containersReady = containersReadyOf(pod, statuses, facts.phase);
  const own: Record<string, Verdict> = {
    PodReadyToStartContainers: { status: facts.sandboxReady ? 'True' : 'False' },
    Initialized: initializedOf(pod, statuses, facts.phase),
    Ready: readyOf(pod, containersReady),
    ContainersReady: containersReady,
    PodScheduled: { status: 'True' },
  };
  const old = pod.status?.conditions ?? [];
  const others = old.filter(condition => !ownConditions.has(condition.type));
  const made = Object.entries(own).map(([type, verdict]) => {
    const before = old.find(condition => condition.type === type);
    const same = before?.status === verdict.status;
    const { generation } = pod.metadata;
    return {
      type,
      ...(generation !== undefined && { observedGeneration: generation }),
      status: verdict.status,
      lastProbeTime: null as never,
      lastTransitionTime: (same && before?.lastTransitionTime) || formatTime(facts.nowMs),
      ...(verdict.reason && { reason: verdict.reason }),
      ...(verdict.message && { message: verdict.message }),
    };
  });
  return [...others, ...made];
}

const list = (names: readonly string[]) => `[${names.join(' ')}]`;

function containersReadyOf(pod: Pod, { main, init }: ContainerStatuses, phase: string): Verdict {
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map(one => one.name);
  const wanted: ContainerStatus[] = [...init.filter(one => sidecars.includes(one.name)), ...main];
  const unready = wanted.filter(one => !one.ready).map(one => one.name);
  if (unready.length === 0) return { status: 'True' };
  const message = `containers with unready status: ${list(unready)}`;
  return { status: 'False', reason: 'ContainersNotReady', message };
}

function readyOf(pod: Pod, containersReady: Verdict): Verdict {
  if (containersReady.status !== 'True') return containersReady;
  const messages = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = pod.status?.conditions?.find(one => one.type === conditionType);
    if (!condition) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    if (condition.status === 'True') return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  if (messages.length === 0) return { status: 'True' };
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}

function initializedOf(pod: Pod, { init, main }: ContainerStatuses, phase: string): Verdict {
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' };
  if (main.some(one => one.state?.running || one.state?.terminated || one.lastState?.terminated))
    return { status: 'True' };
  const incomplete = (pod.spec.initContainers ?? []).filter(container => {
    const status = init.find(one => one.name === container.name);
    return isSidecar(container) ? !status?.started : !status?.ready;
  });
  if (incomplete.length === 0) return { status: 'True' };
  const message = `containers with incomplete status: ${list(incomplete.map(one => one.name))}`;
  return { status: 'False', reason: 'ContainersNotInitialized', message };
}
