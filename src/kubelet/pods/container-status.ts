import type { Container, ContainerState, ContainerStatus, Pod } from '#api';
import { formatTime } from '#base';
import type { RuntimeContainer, RuntimePod } from '../runtime/runtime-pod.ts';
import type { Waiting } from './plan.ts';
import { type ContainerRole, containersOf, type PodContainer, shouldRestart } from './pod-spec.ts';

export interface ContainerFacts {
  /** Why it does not run, by container name. */
  waiting: ReadonlyMap<string, Waiting>;
  started(container: RuntimeContainer): boolean;
  /** Readiness probe passed, or none. */
  probedReady(container: RuntimeContainer): boolean;
}

export interface ContainerStatuses {
  init: ContainerStatus[];
  main: ContainerStatus[];
  ephemeral: ContainerStatus[];
}

/** The status of every container of the spec, in the order of the spec. */
export function containerStatuses(pod: Pod, runtime: RuntimePod, facts: ContainerFacts): ContainerStatuses {
  const specs = containersOf(pod);
  const made = specs.map(spec => ({ spec, status: statusOf(pod, spec, runtime, facts) }));
  const pick = (...roles: ContainerRole[]) => made.filter(one => roles.includes(one.spec.role)).map(one => one.status);
  return { init: pick('init', 'sidecar'), main: pick('main'), ephemeral: pick('ephemeral') };
}

function statusOf(pod: Pod, spec: PodContainer, runtime: RuntimePod, facts: ContainerFacts): ContainerStatus {
  const { container } = spec;
  const instances = runtime.containers.filter(one => one.name === container.name);
  const [newest, before] = instances;
  const waiting = willStart(pod, spec, newest) ? facts.waiting.get(container.name) : undefined;
  const base = { name: container.name, ...resourcesOf(spec, newest), ...mountsOf(spec) };
  if (!newest) return { ...base, ...unmade(pod, container, waiting) };
  const running = newest.state === 'running';
  const started = running && facts.started(newest);
  const state = stateOf(newest, waiting);
  // While the newest waits to be started again, its end is the last state.
  const earlier = state.waiting && newest.state === 'exited' ? newest : before;
  return {
    ...base,
    image: newest.image,
    imageID: newest.imageRef,
    containerID: `containerd://${newest.id}`,
    ready: isReady(spec, newest, started, facts),
    started,
    restartCount: newest.restartCount,
    state,
    lastState: earlier?.state === 'exited' ? { terminated: terminatedOf(earlier) } : {},
  };
}

/** What has ended for good does not wait, whatever went wrong before. */
function willStart(pod: Pod, spec: PodContainer, newest: RuntimeContainer | undefined): boolean {
  if (newest?.state !== 'exited') return true;
  return !pod.metadata.deletionTimestamp && shouldRestart(spec, pod, newest.exitCode);
}

/** The runtime has none: it was never made, or the runtime has lost it and the old status is all that is known. */
function unmade(pod: Pod, { name, image = '' }: Container, waiting: Waiting | undefined) {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  const lists = [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses];
  const old = lists.find(one => one.name === name);
  if (old?.state?.terminated && !waiting) return old;
  const firstReason = (pod.spec.initContainers?.length ?? 0) > 0 ? 'PodInitializing' : 'ContainerCreating';
  const known = old?.state?.terminated ? { terminated: old.state.terminated } : (old?.lastState ?? {});
  const lost = old?.state?.running !== undefined && !waiting && !known.terminated;
  return {
    ...{ image, imageID: '', ready: false, started: false },
    restartCount: (old?.restartCount ?? 0) + (lost && !pod.metadata.deletionTimestamp ? 1 : 0),
    state: { waiting: plainWaiting(waiting ?? { reason: firstReason }) },
    lastState: lost ? { terminated: lostEnd } : known,
  };
}

/** As upstream words it, so that a pod that ran does not become Pending again. */
const lostEnd = {
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was deleted.  The container used to be Running',
  startedAt: null as never,
  finishedAt: null as never,
};

function isReady(spec: PodContainer, container: RuntimeContainer, started: boolean, facts: ContainerFacts): boolean {
  if (spec.role === 'ephemeral') return false;
  if (spec.role === 'init') return container.state === 'exited' && container.exitCode === 0;
  return started && facts.probedReady(container);
}

function stateOf(container: RuntimeContainer, waiting: Waiting | undefined): ContainerState {
  switch (container.state) {
    case 'running':
      return { running: { startedAt: formatTime(container.startedAtMs) } };
    case 'exited':
      return waiting ? { waiting: plainWaiting(waiting) } : { terminated: terminatedOf(container) };
    default:
      return { waiting: plainWaiting(waiting ?? { reason: 'ContainerCreating' }) };
  }
}

function plainWaiting({ reason, message }: Waiting): NonNullable<ContainerState['waiting']> {
  return message === undefined ? { reason } : { reason, message };
}

function terminatedOf(container: RuntimeContainer): NonNullable<ContainerState['terminated']> {
  const { exitCode, startedAtMs, finishedAtMs, message } = container;
  return {
    exitCode,
    reason: container.reason || (exitCode === 0 ? 'Completed' : 'Error'),
    ...(message && { message }),
    startedAt: startedAtMs > 0 ? formatTime(startedAtMs) : (null as never),
    finishedAt: formatTime(finishedAtMs),
    containerID: `containerd://${container.id}`,
  };
}

/** Resources are reported for what has been made, as in-place resize demands. */
function resourcesOf({ container, role }: PodContainer, made: RuntimeContainer | undefined): Partial<ContainerStatus> {
  if (!made || role === 'ephemeral') return {};
  const requests = container.resources?.requests;
  return { resources: container.resources ?? {}, ...(requests && { allocatedResources: requests }) };
}

function mountsOf({ container }: PodContainer): Partial<ContainerStatus> {
  const mounts = container.volumeMounts ?? [];
  if (mounts.length === 0) return {};
  return {
    volumeMounts: mounts.map(({ name, mountPath, readOnly }) => ({
      ...{ name, mountPath },
      ...(readOnly && { readOnly: true, recursiveReadOnly: 'Disabled' }),
    })),
  };
}
