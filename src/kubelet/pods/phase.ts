import type { ContainerStatus, Pod } from '#api';
import type { ContainerStatuses } from './container-status.ts';
import { containersOf, type PodContainer, shouldRestart } from './pod-spec.ts';

type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/**
 * The pod's phase from its containers (KEP-753 and upstream's getPhase). `ended`: nothing will be started any more, so that also a pod that would
 * restart its containers has an end.
 */
export function phaseOf(pod: Pod, statuses: ContainerStatuses, ended: boolean): Phase {
  const before = pod.status?.phase;
  if (before === 'Succeeded' || before === 'Failed') return before;
  const specs = containersOf(pod);
  const byName = (list: readonly ContainerStatus[], spec: PodContainer) =>
    list.find(one => one.name === spec.container.name);
  const main = specs.filter(spec => spec.role === 'main').map(spec => ({ spec, status: byName(statuses.main, spec) }));
  const mainMade = main.some(({ status }) => status?.containerID !== undefined);
  if (!mainMade) {
    const outcome = initOutcome(pod, specs, statuses, ended);
    if (outcome === 'failed') return 'Failed';
    if (outcome === 'pending') return 'Pending';
  }
  const counts = countStates(main.map(({ status }) => status));
  // One that has never run says that the pod is not complete, and can no longer be when it is to end.
  if (counts.waiting > 0) return ended ? 'Failed' : 'Pending';
  if (counts.running > 0) return 'Running';
  const sidecarRuns = statuses.init.some(status => status.state?.running && isSidecarStatus(specs, status));
  const again = main.some(({ spec, status }) => shouldRestart(spec, pod, exitCodeOf(status)));
  if (!ended && again) return 'Running';
  if (!ended && sidecarRuns) return 'Running';
  return main.every(({ status }) => exitCodeOf(status) === 0) ? 'Succeeded' : 'Failed';
}

/** True when the main containers are done for good, so that sidecars and sandbox are to go. */
export function hasFinished(pod: Pod, statuses: ContainerStatuses): boolean {
  const specs = containersOf(pod);
  const init = specs.filter(spec => spec.role === 'init');
  const failedInit = init.some(spec => {
    const state = statuses.init.find(one => one.name === spec.container.name)?.state;
    const code = state?.terminated?.exitCode ?? 0;
    return code !== 0 && !shouldRestart(spec, pod, code);
  });
  if (failedInit && !statuses.main.some(one => one.containerID)) return true;
  return specs
    .filter(spec => spec.role === 'main')
    .every(spec => {
      const terminated = statuses.main.find(one => one.name === spec.container.name)?.state?.terminated;
      return terminated !== undefined && !shouldRestart(spec, pod, terminated.exitCode);
    });
}

function countStates(statuses: readonly (ContainerStatus | undefined)[]) {
  const counts = { running: 0, stopped: 0, waiting: 0 };
  for (const status of statuses) {
    if (status?.state?.running) counts.running++;
    else if (status?.state?.terminated || status?.lastState?.terminated) counts.stopped++;
    else counts.waiting++;
  }
  return counts;
}

function exitCodeOf(status: ContainerStatus | undefined): number {
  return (status?.state?.terminated ?? status?.lastState?.terminated)?.exitCode ?? 0;
}

function isSidecarStatus(specs: readonly PodContainer[], status: ContainerStatus): boolean {
  return specs.some(spec => spec.role === 'sidecar' && spec.container.name === status.name);
}

function initOutcome(
  pod: Pod,
  specs: readonly PodContainer[],
  statuses: ContainerStatuses,
  ended: boolean,
): 'done' | 'pending' | 'failed' {
  for (const spec of specs) {
    const status = statuses.init.find(one => one.name === spec.container.name);
    if (spec.role === 'sidecar' && !status?.started) return ended ? 'failed' : 'pending';
    if (spec.role !== 'init') continue;
    const terminated = status?.state?.terminated ?? status?.lastState?.terminated;
    if (terminated?.exitCode === 0 && status?.state?.terminated) continue;
    if (terminated && terminated.exitCode !== 0 && (ended || !shouldRestart(spec, pod, terminated.exitCode))) {
      return 'failed';
    }
    return ended ? 'failed' : 'pending';
  }
  return 'done';
}
