import type { Pod } from '#api';
import { containerHash } from '../containers/container-hash.ts';
import { currentSandbox, isAlive, newestOf, type RuntimePod } from '../runtime/runtime-pod.ts';
import { containerStatuses } from './container-status.ts';
import type { PodContext } from './context.ts';
import { endPod, finishPod } from './end-pod.ts';
import { killContainer } from './kill.ts';
import { hasFinished } from './phase.ts';
import { type Action, type Ending, type Plan, type PlanContext, planPod } from './plan.ts';
import { containersOf, describePod, fieldPathOf, isStatic } from './pod-spec.ts';
import { isStarted, report, statusFacts } from './report.ts';
import { backoffKey, startContainer } from './start-container.ts';
import { openSandbox, prepareVolumes, startSandbox } from './start-sandbox.ts';

/** Upstream's pause before a sandbox or a volume is tried again. */
const retryMs = 2000;
/** One look does at most so many rounds, then others get their turn. */
const maxRounds = 6;

/** One look at one pod that should be here. Answers in how many milliseconds to look again; undefined: when something changes. */
export async function syncPod(context: PodContext, pod: Pod): Promise<number | undefined> {
  const uid = pod.metadata.uid ?? '';
  const memory = context.memory(uid);
  memory.pod = pod;
  context.objects.track(pod);
  let againMs: number | undefined;
  for (let round = 0; round < maxRounds; round++) {
    const runtime = await context.cache.refresh(uid);
    const ending = endingOf(context, pod, runtime);
    if (ending) return endPod(context, pod, runtime, ending);
    watchProbes(context, pod, runtime);
    const plan = planPod(pod, runtime, planContext(context, pod));
    if (finished(context, pod, runtime)) return endPod(context, pod, runtime, finishPod(context, pod));
    noteBackoffs(context, pod, plan);
    report(context, pod, runtime, plan);
    const outcome = await act(context, { pod, runtime }, plan);
    againMs = soonest(plan.againMs, outcome.againMs);
    if (!outcome.changed) {
      // Why a start did not come about is told now, not at the next look.
      if (plan.actions.length > 0) report(context, pod, runtime, plan);
      break;
    }
    if (round === maxRounds - 1) againMs = 0;
  }
  return soonest(againMs, renewalMs(context, uid), deadlineMs(context, pod));
}

/** Why the pod must end, if it must. */
function endingOf(context: PodContext, pod: Pod, runtime: RuntimePod): Ending | undefined {
  const memory = context.memory(pod.metadata.uid ?? '');
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  if (deletionTimestamp) {
    const graceSeconds = Math.max(1, deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30);
    return { graceSeconds, deadlineMs: Math.max(Date.parse(deletionTimestamp), context.clock.now()) };
  }
  const { phase } = pod.status ?? {};
  const over = (phase === 'Failed' || phase === 'Succeeded') && !isStatic(pod);
  if (over) return finishPod(context, pod);
  if (deadlineMs(context, pod) === 0) {
    memory.verdict ??= {
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    };
    if (runtime.containers.some(isAlive) && memory.endDeadlineMs === undefined) {
      context.record(pod, { type: 'Normal', reason: 'DeadlineExceeded', message: memory.verdict.message });
    }
  }
  return memory.verdict ? finishPod(context, pod) : undefined;
}

/** Milliseconds until activeDeadlineSeconds are over. */
function deadlineMs({ clock }: PodContext, pod: Pod): number | undefined {
  const { activeDeadlineSeconds } = pod.spec;
  const { startTime } = pod.status ?? {};
  if (activeDeadlineSeconds === undefined || !startTime) return undefined;
  return Math.max(0, Date.parse(startTime) + activeDeadlineSeconds * 1000 - clock.now());
}

function renewalMs({ tokens, clock }: PodContext, uid: string): number | undefined {
  const atMs = tokens.nextRenewalMs(uid);
  return atMs === undefined ? undefined : Math.max(1000, atMs - clock.now());
}

function soonest(...times: (number | undefined)[]): number | undefined {
  const known = times.filter(time => time !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

function planContext(context: PodContext, pod: Pod): PlanContext {
  const { backoff, clock } = context;
  const specs = containersOf(pod);
  const specOf = (name: string) => specs.find(spec => spec.container.name === name);
  return {
    nowMs: clock.now(),
    hashOf: spec => containerHash(spec.container),
    started: container => isStarted(context, pod, container),
    failedProbe(container) {
      const kind = context.prober.failed(container.id);
      const spec = specOf(container.name)?.container;
      if (!kind || !spec) return undefined;
      const probe = kind === 'startup' ? spec.startupProbe : spec.livenessProbe;
      const message = `Container ${container.name} failed ${kind} probe, will be restarted`;
      return { message, graceSeconds: probe?.terminationGracePeriodSeconds };
    },
    backoff(container) {
      const spec = specOf(container.name);
      if (!spec) return { leftMs: 0, delayMs: 0 };
      const key = backoffKey(pod, spec);
      return { leftMs: backoff.leftMs(key, container.finishedAtMs, clock.now()), delayMs: backoff.delayMs(key) };
    },
  };
}

function watchProbes(context: PodContext, pod: Pod, runtime: RuntimePod): void {
  const sandbox = currentSandbox(runtime);
  const ip = (pod.spec.hostNetwork ? context.config.nodeIps : (sandbox?.ips ?? []))[0] ?? '';
  const running = containersOf(pod).flatMap(spec => {
    const container = newestOf(runtime, spec.container.name);
    return container?.state === 'running' && spec.role !== 'ephemeral' ? [{ spec, container }] : [];
  });
  context.prober.watch(pod, running, ip);
}

function finished(context: PodContext, pod: Pod, runtime: RuntimePod): boolean {
  return hasFinished(pod, containerStatuses(pod, runtime, statusFacts(context, pod, undefined)));
}

function noteBackoffs(context: PodContext, pod: Pod, plan: Plan): void {
  for (const [name, { reason }] of plan.waiting) {
    const spec = containersOf(pod).find(one => one.container.name === name);
    if (reason !== 'CrashLoopBackOff' || !spec) continue;
    const message = `Back-off restarting failed container ${name} in pod ${describePod(pod)}`;
    context.record({ ...pod, fieldPath: fieldPathOf(spec) }, { type: 'Warning', reason: 'BackOff', message });
  }
}

interface Outcome {
  /** The runtime must be looked at anew. */
  changed: boolean;
  againMs?: number | undefined;
}

async function act(context: PodContext, now: { pod: Pod; runtime: RuntimePod }, plan: Plan): Promise<Outcome> {
  const { pod, runtime } = now;
  const outcome: Outcome = { changed: false };
  const sandbox = currentSandbox(runtime);
  const memory = context.memory(pod.metadata.uid ?? '');
  const starts = plan.actions.some(action => action.do === 'start');
  const stale = memory.volumesStale || (starts && !memory.volumes) || dueToken(context, pod);
  if (sandbox && stale && !(await prepareVolumes(context, pod, sandbox.ips))) {
    return { changed: false, againMs: retryMs };
  }
  if (sandbox && starts) await openSandbox(context, pod, sandbox);
  for (const action of plan.actions) {
    const done = await actOn(context, now, action);
    outcome.changed ||= done.changed;
    outcome.againMs = soonest(outcome.againMs, done.againMs);
  }
  return outcome;
}

function dueToken({ tokens, clock }: PodContext, pod: Pod): boolean {
  const atMs = tokens.nextRenewalMs(pod.metadata.uid ?? '');
  return atMs !== undefined && atMs <= clock.now();
}

async function actOn(
  context: PodContext,
  { pod, runtime }: { pod: Pod; runtime: RuntimePod },
  action: Action,
): Promise<Outcome> {
  const sandbox = currentSandbox(runtime);
  switch (action.do) {
    case 'kill':
      killContainer(context, pod, action, pod.metadata.uid ?? '', sandbox?.ips[0] ?? '');
      return { changed: false };
    case 'stopSandbox':
      await context.cri.runtime.stopSandbox(action.id);
      return { changed: true };
    case 'createSandbox': {
      // What is being stopped still uses the volumes and the name.
      if (runtime.containers.some(isAlive)) return { changed: false, againMs: 1000 };
      const made = await startSandbox(context, pod, action);
      return made ? { changed: true } : { changed: false, againMs: retryMs };
    }
    case 'start': {
      if (context.memory(pod.metadata.uid ?? '').kills.has(action.previous?.id ?? '')) return { changed: false };
      const outcome = await startContainer(context, { pod, runtime, sandbox: sandbox! }, action);
      return outcome.started ? { changed: true } : { changed: false, againMs: outcome.againMs };
    }
  }
}
