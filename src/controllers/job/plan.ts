import type { Job, JobCondition, JobStatus, Pod } from '#api';
import { formatTime } from '#base';
import type { EventText } from '#client';
import { hasCondition, withCondition } from '../conditions.ts';
import { omitZero } from '../omit-zero.ts';
import { isActive, isReady, isTerminating } from '../pods.ts';
import { podsToDelete } from '../replicaset/rank.ts';
import { matchFailurePolicy } from './failure-policy.ts';
import type { Tally } from './finish.ts';
import { judgeJob } from './finish.ts';
import { formatIndexes, parseIndexes } from './indexes.ts';
import { hasFailed, indexOf, isIndexed, isTracked, replacesOnlyFailed, succeeded } from './job-pods.ts';

/** Upstream's MaxPodCreateDeletePerSync. */
const burst = 500;

export interface JobInput {
  job: Job;
  /** Pods that the job manages. */
  pods: readonly Pod[];
  /** Earliest time at which a pod may be created again after failures. */
  backoffUntilMs: number;
  nowMs: number;
}

export interface JobPlan {
  /** Completion indexes to create pods for; undefined elements for jobs without indexes. */
  create: (number | undefined)[];
  remove: Pod[];
  /** To be written before `release`: what is counted or noted to be counted. */
  status: JobStatus;
  /** Pods whose end the status now notes: their finalizer can go. */
  release: Pod[];
  /** Ends that were not noted before. */
  newlySucceeded: number;
  newlyFailed: number;
  events: EventText[];
  afterMs: number | undefined;
}

/** One step of a job. After upstream's syncJob, with the tracking of KEP-2307. */
export function planJob(input: JobInput): JobPlan {
  const { job, pods, nowMs } = input;
  const counted = countPods(input);
  const active = pods.filter(isActive);
  const terminating = pods.filter(isTerminating);
  const tally: Tally = { active: active.length, ...counted.tally };
  const end = judgeJob(job, pods, tally, nowMs);
  const suspended = job.spec.suspend === true;
  const plan: JobPlan = {
    ...{ create: [], remove: [], events: [], afterMs: undefined },
    release: counted.release,
    newlySucceeded: counted.newlySucceeded,
    newlyFailed: counted.newlyFailed,
    status: {},
  };
  if (end || suspended) plan.remove = active;
  else Object.assign(plan, planPods(input, active, terminating, tally));
  let { conditions } = job.status ?? {};
  if (end) conditions = withCondition(conditions, end.target);
  // The last word is said when every pod has ended and is counted.
  const settled = !active.length && !terminating.length && !pods.some(isTracked) && !counted.uncounted;
  if (end && settled) conditions = withCondition(conditions, end.final);
  const final = end && settled ? end.final : undefined;
  if (final) plan.events.push(eventOf(final));
  if (!end) conditions = withSuspension(job, conditions, plan.events, nowMs);
  const status = {
    ...statusOf(input, counted, active, terminating, plan),
    ...(conditions?.length ? { conditions } : {}),
    ...startTimeOf(job, nowMs, final !== undefined),
    ...(final?.type === 'Complete' ? { completionTime: formatTime(nowMs) } : {}),
  };
  plan.status = omitZero(status, ['ready', 'terminating']);
  plan.afterMs ??= untilDeadlineMs(job, plan.status, nowMs);
  return plan;
}

function eventOf({ type, reason = '', message = '' }: JobCondition): EventText {
  return type === 'Complete'
    ? { type: 'Normal', reason: 'Completed', message: 'Job completed' }
    : { type: 'Warning', reason, message };
}

interface Counted {
  tally: Omit<Tally, 'active'>;
  status: JobStatus;
  uncounted: boolean;
  release: Pod[];
  newlySucceeded: number;
  newlyFailed: number;
}

/** Counts ended pods: first noted as uncounted, then their finalizer goes, then the note becomes a number. */
function countPods({ job, pods }: JobInput): Counted {
  const old = job.status ?? {};
  const completions = job.spec.completions ?? 0;
  const tracked = new Map(pods.filter(isTracked).map(pod => [pod.metadata.uid ?? '', pod]));
  const noted = {
    succeeded: old.uncountedTerminatedPods?.succeeded ?? [],
    failed: old.uncountedTerminatedPods?.failed ?? [],
  };
  const known = new Set([...noted.succeeded, ...noted.failed]);
  const ended = [...tracked.values()].filter(pod => succeeded(pod) || hasFailed(job, pod)).slice(0, burst);
  const isIgnored = (pod: Pod) => matchFailurePolicy(job, pod)?.action === 'Ignore';
  const fresh = ended.filter(pod => !known.has(pod.metadata.uid ?? ''));
  const good = fresh.filter(succeeded);
  const bad = fresh.filter(pod => !succeeded(pod) && !isIgnored(pod));
  const uids = (list: readonly Pod[]) => list.map(pod => pod.metadata.uid ?? '');
  const still = (list: readonly string[]) => list.filter(uid => tracked.has(uid));
  const gone = (list: readonly string[]) => list.length - still(list).length;
  const indexes = parseIndexes(old.completedIndexes, completions);
  for (const pod of good) if ((indexOf(pod) ?? completions) < completions) indexes.add(indexOf(pod)!);
  const indexed = isIndexed(job);
  const uncounted = {
    succeeded: indexed ? [] : [...still(noted.succeeded), ...uids(good)],
    failed: [...still(noted.failed), ...uids(bad)],
  };
  const done = {
    succeeded: indexed ? indexes.size : (old.succeeded ?? 0) + gone(noted.succeeded),
    failed: (old.failed ?? 0) + gone(noted.failed),
  };
  return {
    tally: {
      succeeded: done.succeeded + uncounted.succeeded.length,
      failed: done.failed + uncounted.failed.length,
      succeededIndexes: indexes,
    },
    status: {
      ...done,
      uncountedTerminatedPods: Object.fromEntries(Object.entries(uncounted).filter(([, list]) => list.length)),
      ...(indexed ? { completedIndexes: formatIndexes(indexes) } : {}),
    },
    uncounted: uncounted.succeeded.length + uncounted.failed.length > 0,
    release: ended,
    newlySucceeded: good.length,
    newlyFailed: bad.length,
  };
}

/** How many pods to make or delete, and of which indexes. */
function planPods(
  { job, backoffUntilMs, nowMs }: JobInput,
  active: readonly Pod[],
  terminating: readonly Pod[],
  tally: Tally,
): Pick<JobPlan, 'create' | 'remove' | 'afterMs'> {
  const { completions, parallelism = 1 } = job.spec;
  const open =
    completions === undefined ? (tally.succeeded > 0 ? active.length : parallelism) : completions - tally.succeeded;
  const want = Math.max(0, Math.min(parallelism, open));
  const surplus = isIndexed(job) ? duplicates(active, tally.succeededIndexes) : [];
  const rest = active.filter(pod => !surplus.includes(pod));
  if (rest.length > want || surplus.length) {
    const more = podsToDelete(rest, rest, Math.max(0, rest.length - want), nowMs);
    return {
      create: [],
      remove: [...surplus, ...(rest.length > want ? more : [])].slice(0, burst),
      afterMs: undefined,
    };
  }
  const occupied = replacesOnlyFailed(job) ? [...active, ...terminating] : active;
  const missing = Math.min(burst, want - occupied.length);
  if (missing <= 0) return { create: [], remove: [], afterMs: undefined };
  if (nowMs < backoffUntilMs) return { create: [], remove: [], afterMs: backoffUntilMs - nowMs };
  if (!isIndexed(job))
    return { create: Array.from({ length: missing }, () => undefined), remove: [], afterMs: undefined };
  const taken = new Set([...occupied.map(indexOf), ...tally.succeededIndexes]);
  const free = Array.from({ length: completions ?? 0 }, (_, index) => index).filter(index => !taken.has(index));
  return { create: free.slice(0, missing), remove: [], afterMs: undefined };
}

/** Active pods whose index another one has, is done, or cannot be. */
function duplicates(active: readonly Pod[], done: ReadonlySet<number>): Pod[] {
  const seen = new Set<number>(done);
  return active.filter(pod => {
    const index = indexOf(pod);
    if (index === undefined || seen.has(index)) return true;
    seen.add(index);
    return false;
  });
}

function statusOf(
  { job }: JobInput,
  counted: Counted,
  active: readonly Pod[],
  terminating: readonly Pod[],
  plan: JobPlan,
): JobStatus {
  const { completionTime } = job.status ?? {};
  return {
    ...counted.status,
    active: active.length + plan.create.length - plan.remove.length,
    terminating: terminating.length,
    // Those that go now are not counted: no more can be ready than are active.
    ready: active.filter(pod => isReady(pod) && !plan.remove.includes(pod)).length,
    ...(completionTime ? { completionTime } : {}),
  };
}

/** A suspended job has not started, but one that has ended did. */
function startTimeOf(job: Job, nowMs: number, hasEnded: boolean): Pick<JobStatus, 'startTime'> {
  if (job.spec.suspend && !hasEnded) return {};
  const { startTime = formatTime(nowMs) } = job.status ?? {};
  return { startTime };
}

function withSuspension(
  { spec }: Job,
  conditions: readonly JobCondition[] | undefined,
  events: EventText[],
  nowMs: number,
): JobCondition[] | undefined {
  const was = hasCondition(conditions, 'Suspended');
  const suspend = spec.suspend === true;
  if (was === suspend) return conditions && [...conditions];
  const [reason, message] = suspend ? ['JobSuspended', 'Job suspended'] : ['JobResumed', 'Job resumed'];
  events.push({ type: 'Normal', reason: suspend ? 'Suspended' : 'Resumed', message });
  const now = formatTime(nowMs);
  const status = suspend ? 'True' : 'False';
  return withCondition(conditions, {
    type: 'Suspended',
    status,
    reason,
    message,
    lastProbeTime: now,
    lastTransitionTime: now,
  });
}

function untilDeadlineMs({ spec }: Job, { startTime }: JobStatus, nowMs: number): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || !startTime) return undefined;
  const leftMs = Date.parse(startTime) + spec.activeDeadlineSeconds * 1000 - nowMs;
  return leftMs > 0 ? leftMs : undefined;
}
