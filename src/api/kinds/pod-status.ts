import type { Container, ContainerStatus, Pod } from '../types.ts';
import { since } from './columns.ts';

/** What a row of `kubectl get pods` says about the containers. */
export interface PodSummary {
  ready: number;
  total: number;
  reason: string;
  restarts: string;
}

interface Restarts {
  count: number;
  lastAt: string | undefined;
}

/** Sums up the containers of a pod as upstream's printer does: the first init container that is not done decides, else the last container with a reason. */
export function summarizePod(pod: Pod, nowMs: number): PodSummary {
  const spec = pod.spec;
  const status = pod.status ?? {};
  const inits = new Map((spec.initContainers ?? []).map(container => [container.name, container]));
  const sidecars = [...inits.values()].filter(isSidecar).length;
  const total = (spec.containers?.length ?? 0) + sidecars;
  const phaseReason = initialReason(pod);
  const init = summarizeInit(status.initContainerStatuses ?? [], inits);
  let { reason, restarts } = { reason: init.reason ?? phaseReason, restarts: init.restarts };
  let ready = init.ready;
  if (init.reason === undefined || isTrue(pod, 'Initialized')) {
    const main = summarizeMain(status.containerStatuses ?? [], { reason, restarts: init.sidecarRestarts });
    ready += main.ready;
    restarts = main.restarts;
    reason = main.reason;
    if (reason === 'Completed' && main.running) reason = isTrue(pod, 'Ready') ? 'Running' : 'NotReady';
  }
  return { ready, total, reason: terminationReason(pod) ?? reason, restarts: formatRestarts(restarts, nowMs) };
}

function initialReason(pod: Pod): string {
  const gated = pod.status?.conditions?.some(c => c.type === 'PodScheduled' && c.reason === 'SchedulingGated');
  return gated ? 'SchedulingGated' : pod.status?.reason || (pod.status?.phase ?? '');
}

function terminationReason(pod: Pod): string | undefined {
  if (!pod.metadata.deletionTimestamp) return undefined;
  if (pod.status?.reason === 'NodeLost') return 'Unknown';
  const phase = pod.status?.phase;
  return phase === 'Succeeded' || phase === 'Failed' ? undefined : 'Terminating';
}

function summarizeInit(statuses: readonly ContainerStatus[], inits: ReadonlyMap<string, Container>) {
  const restarts: Restarts = { count: 0, lastAt: undefined };
  const sidecarRestarts: Restarts = { count: 0, lastAt: undefined };
  let ready = 0;
  for (const [index, status] of statuses.entries()) {
    const sidecar = isSidecar(inits.get(status.name));
    addRestarts(restarts, status);
    if (sidecar) addRestarts(sidecarRestarts, status);
    if (status.state?.terminated?.exitCode === 0) continue;
    if (sidecar && status.started) {
      if (status.ready) ready += 1;
      continue;
    }
    return { ready, restarts, sidecarRestarts, reason: `Init:${initReason(status, index, inits.size)}` };
  }
  return { ready, restarts, sidecarRestarts, reason: undefined };
}

function initReason(status: ContainerStatus, index: number, total: number): string {
  if (status.state?.terminated) return terminatedReason(status.state.terminated);
  const waiting = status.state?.waiting?.reason;
  return waiting && waiting !== 'PodInitializing' ? waiting : `${index}/${total}`;
}

function summarizeMain(statuses: readonly ContainerStatus[], start: { reason: string; restarts: Restarts }) {
  const restarts = start.restarts;
  let { reason } = start;
  let ready = 0;
  let running = false;
  for (const status of [...statuses].reverse()) {
    addRestarts(restarts, status);
    const state = status.state;
    if (state?.waiting?.reason) reason = state.waiting.reason;
    else if (state?.terminated) reason = terminatedReason(state.terminated);
    else if (status.ready && state?.running) {
      running = true;
      ready += 1;
    }
  }
  return { ready, running, reason, restarts };
}

function terminatedReason(terminated: { reason?: string | undefined; signal?: number | undefined; exitCode: number }) {
  if (terminated.reason) return terminated.reason;
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

function addRestarts(restarts: Restarts, status: ContainerStatus): void {
  restarts.count += status.restartCount ?? 0;
  const finished = status.lastState?.terminated?.finishedAt;
  if (finished && (!restarts.lastAt || Date.parse(finished) > Date.parse(restarts.lastAt))) restarts.lastAt = finished;
}

function formatRestarts(restarts: Restarts, nowMs: number): string {
  const count = String(restarts.count);
  return restarts.count > 0 && restarts.lastAt ? `${count} (${since(restarts.lastAt, nowMs)} ago)` : count;
}

function isSidecar(container: Container | undefined): boolean {
  return container?.restartPolicy === 'Always';
}

function isTrue(pod: Pod, type: string): boolean {
  return pod.status?.conditions?.some(condition => condition.type === type && condition.status === 'True') ?? false;
}
