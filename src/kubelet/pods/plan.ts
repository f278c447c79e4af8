import type { Pod } from '#api';
import { currentSandbox, isAlive, newestOf, type RuntimeContainer, type RuntimePod } from '../runtime/runtime-pod.ts';
import { containersOf, describePod, type PodContainer, shouldRestart } from './pod-spec.ts';
import { formatSeconds } from './restart-backoff.ts';

/** What is to be done next; the order of a list is the order of doing. */
export type Action =
  | { do: 'stopSandbox'; id: string }
  | { do: 'createSandbox'; attempt: number; replaces: boolean }
  | { do: 'kill'; container: RuntimeContainer; spec: PodContainer | undefined; message: string; graceSeconds?: number }
  | { do: 'start'; spec: PodContainer; restartCount: number; previous: RuntimeContainer | undefined };

export interface Waiting {
  reason: string;
  message?: string | undefined;
}

export interface Plan {
  actions: Action[];
  /** Why a container that should run does not, by container name. */
  waiting: Map<string, Waiting>;
  /** Look again then, even if nothing changes. */
  againMs?: number | undefined;
  /** Nothing of the pod runs any more, and nothing will. Only when it is to end. */
  ended: boolean;
}

/** Why a pod must end, and how fast. */
export interface Ending {
  graceSeconds: number;
  /** When the grace is over. */
  deadlineMs: number;
}

/** What is known beside the pod and the runtime. All functions answer from memory. */
export interface PlanContext {
  nowMs: number;
  hashOf(spec: PodContainer): string;
  /** The startup probe has passed, or there is none; and the postStart hook is over. */
  started(container: RuntimeContainer): boolean;
  /** A probe that says: kill it. */
  failedProbe(container: RuntimeContainer): { message: string; graceSeconds?: number | undefined } | undefined;
  /** Delay before the next start of a container that ended. */
  backoff(container: RuntimeContainer): { leftMs: number; delayMs: number };
}

/** What must happen for the pod to be as its spec says. */
export function planPod(pod: Pod, runtime: RuntimePod, context: PlanContext): Plan {
  const plan: Plan = { actions: [], waiting: new Map(), ended: false };
  const sandbox = currentSandbox(runtime);
  const extra = runtime.sandboxes.filter(one => one.ready && one !== sandbox);
  if (!sandbox || !isUsable(pod, sandbox) || extra.length > 0) return planSandbox(pod, runtime, plan);
  const living: RuntimePod = { ...runtime, containers: runtime.containers.filter(one => one.sandboxId === sandbox.id) };
  const specs = containersOf(pod);
  planProbes(specs, living, context, plan);
  for (const spec of specs.filter(one => one.role === 'ephemeral')) {
    if (!newestOf(runtime, spec.container.name)) start(spec, undefined, plan);
  }
  if (planInit(pod, specs, living, runtime, context, plan)) {
    for (const spec of specs.filter(one => one.role === 'main'))
      planContainer(pod, spec, living, runtime, context, plan);
  }
  return plan;
}

function isUsable(pod: Pod, sandbox: { ips: readonly string[]; hostNetwork: boolean }): boolean {
  const hostNetwork = pod.spec.hostNetwork ?? false;
  return sandbox.hostNetwork === hostNetwork && (hostNetwork || sandbox.ips.length > 0);
}

/** There is no sandbox, or a wrong one: everything old goes, then a new one is made, unless the pod has done its work. */
function planSandbox(pod: Pod, runtime: RuntimePod, plan: Plan): Plan {
  for (const container of runtime.containers.filter(isAlive)) {
    const spec = containersOf(pod).find(one => one.container.name === container.name);
    plan.actions.push({ do: 'kill', container, spec, message: `Stopping container ${container.name}` });
  }
  for (const { id } of runtime.sandboxes.filter(one => one.ready)) plan.actions.push({ do: 'stopSandbox', id });
  const toRun = containersOf(pod).filter(spec => {
    const last = newestOf(runtime, spec.container.name);
    return spec.role === 'main' && (last?.state !== 'exited' || shouldRestart(spec, pod, last.exitCode));
  });
  const neverAgain = pod.spec.restartPolicy === 'Never' && runtime.containers.length > 0;
  if (toRun.length === 0 || (neverAgain && runtime.sandboxes.length > 0)) return plan;
  const attempt = Math.max(-1, ...runtime.sandboxes.map(one => one.attempt)) + 1;
  plan.actions.push({ do: 'createSandbox', attempt, replaces: runtime.sandboxes.length > 0 });
  return plan;
}

function planProbes(specs: readonly PodContainer[], living: RuntimePod, context: PlanContext, plan: Plan): void {
  for (const spec of specs) {
    const container = newestOf(living, spec.container.name);
    if (container?.state !== 'running') continue;
    const failed = context.failedProbe(container);
    if (!failed) continue;
    const { message, graceSeconds } = failed;
    plan.actions.push({ do: 'kill', container, spec, message, ...(graceSeconds !== undefined && { graceSeconds }) });
  }
}

/** Init containers one after the other, sidecars until they have started. True when the main containers may run. */
function planInit(
  pod: Pod,
  specs: readonly PodContainer[],
  living: RuntimePod,
  runtime: RuntimePod,
  context: PlanContext,
  plan: Plan,
): boolean {
  const initialized = specs.some(one => one.role === 'main' && newestOf(living, one.container.name));
  const init = specs.filter(one => one.role === 'init' || one.role === 'sidecar');
  // An init container that was collected after a later one was made has done its work.
  const lastMade = init.findLastIndex(one => one.role === 'init' && newestOf(living, one.container.name));
  for (const [index, spec] of init.entries()) {
    const container = newestOf(living, spec.container.name);
    if (spec.role === 'sidecar') {
      planContainer(pod, spec, living, runtime, context, plan);
      const up = container?.state === 'running' && context.started(container);
      if (!up && !initialized) return false;
      continue;
    }
    if (initialized || (container?.state === 'exited' && container.exitCode === 0)) continue;
    if (!container && index < lastMade) continue;
    planContainer(pod, spec, living, runtime, context, plan);
    return false;
  }
  return true;
}

function planContainer(
  pod: Pod,
  spec: PodContainer,
  living: RuntimePod,
  runtime: RuntimePod,
  context: PlanContext,
  plan: Plan,
): void {
  const container = newestOf(living, spec.container.name);
  if (!container) {
    // The sandbox is new: the count goes on from the old one's containers.
    const before = newestOf(runtime, spec.container.name);
    startAfterBackoff(pod, spec, before, context, plan);
    return;
  }
  if (isAlive(container)) {
    const changed = container.hash !== '' && container.hash !== context.hashOf(spec);
    if (changed && container.state === 'running') {
      const message = `Container ${container.name} definition changed, will be restarted`;
      plan.actions.push({ do: 'kill', container, spec, message });
    }
    if (container.state === 'unknown') {
      // It may run: two of them must not.
      const message = `Container is in "unknown" state, try killing it before restart`;
      plan.actions.push({ do: 'kill', container, spec, message });
    }
    return;
  }
  if (container.state === 'created' || shouldRestart(spec, pod, container.exitCode)) {
    startAfterBackoff(pod, spec, container, context, plan);
  }
}

function startAfterBackoff(
  pod: Pod,
  spec: PodContainer,
  previous: RuntimeContainer | undefined,
  context: PlanContext,
  plan: Plan,
): void {
  const backoff = previous && context.backoff(previous);
  if (!backoff || backoff.leftMs <= 0) {
    start(spec, previous, plan);
    return;
  }
  noteBackoff(pod, spec, backoff, plan);
  plan.againMs = Math.min(plan.againMs ?? Number.POSITIVE_INFINITY, backoff.leftMs);
}

function noteBackoff(pod: Pod, { container }: PodContainer, { delayMs }: { delayMs: number }, plan: Plan): void {
  const message = `back-off ${formatSeconds(delayMs)} restarting failed container=${container.name} pod=${describePod(pod)}`;
  plan.waiting.set(container.name, { reason: 'CrashLoopBackOff', message });
}

function start(spec: PodContainer, previous: RuntimeContainer | undefined, plan: Plan): void {
  plan.actions.push({ do: 'start', spec, previous, restartCount: previous ? previous.restartCount + 1 : 0 });
}

/** What must happen for the pod to end: main containers first, then sidecars from last to first, then the sandbox. */
export function planEnding(pod: Pod | undefined, runtime: RuntimePod, ending: Ending, nowMs: number): Plan {
  const plan: Plan = { actions: [], waiting: new Map(), ended: false };
  const alive = runtime.containers.filter(isAlive);
  const specs = pod ? containersOf(pod) : [];
  const sidecars = specs.filter(one => one.role === 'sidecar').map(one => one.container.name);
  const first = alive.filter(container => !sidecars.includes(container.name));
  const leftSeconds = Math.max(0, Math.ceil((ending.deadlineMs - nowMs) / 1000));
  const last = sidecars.findLast(name => alive.some(container => container.name === name));
  for (const container of alive) {
    // When the grace is over nothing waits for its turn.
    const isTurn = first.length > 0 ? first.includes(container) : container.name === last;
    if (!isTurn && leftSeconds > 0) continue;
    const graceSeconds = first.includes(container) ? ending.graceSeconds : Math.min(ending.graceSeconds, leftSeconds);
    const spec = specs.find(one => one.container.name === container.name);
    plan.actions.push({ do: 'kill', container, spec, message: `Stopping container ${container.name}`, graceSeconds });
  }
  if (alive.length > 0) {
    plan.againMs = Math.max(1000, ending.deadlineMs - nowMs);
    return plan;
  }
  for (const { id } of runtime.sandboxes.filter(one => one.ready)) plan.actions.push({ do: 'stopSandbox', id });
  plan.ended = plan.actions.length === 0;
  return plan;
}
