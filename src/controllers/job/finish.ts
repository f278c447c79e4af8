import type { Job, JobCondition, Pod } from '#api';
import { formatTime } from '#base';
import { findCondition, hasCondition } from '../conditions.ts';
import { matchFailurePolicy } from './failure-policy.ts';
import { parseIndexes } from './indexes.ts';
import { hasFailed, isIndexed, isTracked, restartsOf } from './job-pods.ts';

export interface Tally {
  active: number;
  succeeded: number;
  failed: number;
  succeededIndexes: ReadonlySet<number>;
}

export interface Verdict {
  /** Noted first, while pods still end: SuccessCriteriaMet or FailureTarget. */
  target: JobCondition;
  /** Noted when all pods have ended: Complete or Failed. */
  final: JobCondition;
}

export function isFinishedJob({ status }: Job): boolean {
  return hasCondition(status?.conditions, 'Complete') || hasCondition(status?.conditions, 'Failed');
}

/** Why a job is to end, if it is; a reason that was noted before stands. After upstream's syncJob. */
export function judgeJob(job: Job, pods: readonly Pod[], tally: Tally, nowMs: number): Verdict | undefined {
  const { conditions } = job.status ?? {};
  const failing = findCondition(conditions, 'FailureTarget');
  const succeeding = findCondition(conditions, 'SuccessCriteriaMet');
  const noted = (failing ?? succeeding)!;
  if (noted?.status === 'True') return verdict(noted === failing, noted.reason ?? '', noted.message ?? '', nowMs);
  const failure = failureOf(job, pods, tally, nowMs);
  if (failure) return verdict(true, failure[0], failure[1], nowMs);
  const success = successOf(job, tally);
  return success && verdict(false, success[0], success[1], nowMs);
}

type Reason = [reason: string, message: string];

function failureOf(job: Job, pods: readonly Pod[], { failed }: Tally, nowMs: number): Reason | undefined {
  const { spec, status } = job;
  for (const pod of pods.filter(one => isTracked(one) && hasFailed(job, one))) {
    const rule = matchFailurePolicy(job, pod);
    if (rule?.action === 'FailJob') return ['PodFailurePolicy', rule.message];
  }
  const backoffLimit = spec.backoffLimit ?? 6;
  if (failed > backoffLimit || restartsPast(job, pods, backoffLimit)) {
    return ['BackoffLimitExceeded', 'Job has reached the specified backoff limit'];
  }
  const { activeDeadlineSeconds } = spec;
  const startedMs = Date.parse(status?.startTime ?? '');
  if (activeDeadlineSeconds !== undefined && !spec.suspend && nowMs - startedMs >= activeDeadlineSeconds * 1000) {
    return ['DeadlineExceeded', 'Job was active longer than specified deadline'];
  }
  return undefined;
}

function restartsPast({ spec }: Job, pods: readonly Pod[], limit: number): boolean {
  if (spec.template.spec?.restartPolicy !== 'OnFailure') return false;
  const alive = pods.filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending');
  const restarts = alive.reduce((sum, pod) => sum + restartsOf(pod), 0);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

function successOf(job: Job, { active, succeeded, succeededIndexes }: Tally): Reason | undefined {
  const { completions } = job.spec;
  const rule = isIndexed(job) ? matchedSuccessRule(job, succeededIndexes) : undefined;
  if (rule !== undefined) return ['SuccessPolicy', `Matched rules at index ${rule}`];
  const reached = completions === undefined ? succeeded > 0 && active === 0 : succeeded >= completions;
  return reached && !job.spec.suspend ? ['CompletionsReached', 'Reached expected number of succeeded pods'] : undefined;
}

function matchedSuccessRule({ spec }: Job, indexes: ReadonlySet<number>): number | undefined {
  const completions = spec.completions ?? 0;
  const at = (spec.successPolicy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    const wanted = succeededIndexes === undefined ? undefined : parseIndexes(succeededIndexes, completions);
    const met = wanted ? [...wanted].filter(index => indexes.has(index)).length : indexes.size;
    return met >= (succeededCount ?? wanted?.size ?? completions);
  });
  return at < 0 ? undefined : at;
}

function verdict(isFailure: boolean, reason: string, message: string, nowMs: number): Verdict {
  const now = formatTime(nowMs);
  const base = { status: 'True', reason, message, lastProbeTime: now, lastTransitionTime: now };
  const [target, final] = isFailure ? ['FailureTarget', 'Failed'] : ['SuccessCriteriaMet', 'Complete'];
  return { target: { type: target, ...base }, final: { type: final, ...base } };
}
