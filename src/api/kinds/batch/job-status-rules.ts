import type { FieldError } from '../../kind.ts';
import type { Job, JobStatus } from '../../types.ts';
import { semanticallyEqual } from '../equality.ts';
import { checkNonNegative, duplicate, immutableMessage, invalid, invalidUnquoted, required } from '../field-error.ts';
import { eachAt } from '../paths.ts';
import { findOverlap, parseIndexes } from './job-indexes.ts';

const counters = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const;

/**
 * A job's status never goes back: what is finished stays finished. A rule asks only when what it is about has changed: a status that breaks it
 * already may be written again, and a new spec gives the controller time. Source: batch/validation ValidateJobUpdateStatus with the options of
 * the job's status strategy.
 */
export function validateJobStatus(job: Job, old: Job): FieldError[] {
  const errors: FieldError[] = [];
  const status = job.status ?? {};
  for (const field of counters) checkNonNegative(errors, `status.${field}`, status[field]);
  checkUncounted(errors, status);
  const [now, before] = [factsOf(job), factsOf(old)];
  const changed = changesOf(job, old, now, before);
  checkOutcome(errors, { now, changed, status });
  checkFinished(errors, { now, changed, job });
  checkIndexTexts(errors, { job, changed });
  if ((changed.ready || changed.active) && (status.ready ?? 0) > (status.active ?? 0)) {
    errors.push(invalid('status.ready', status.ready, 'cannot set more ready pods than active'));
  }
  checkCriteria(errors, job, now);
  checkHistory(errors, { job, old, now, before });
  return errors;
}

interface Facts {
  readonly complete: boolean;
  readonly failed: boolean;
  readonly finished: boolean;
  readonly failureTarget: boolean;
  readonly criteriaMet: boolean;
}

function hasCondition(job: Job, type: string, status: string): boolean {
  return job.status?.conditions?.some(condition => condition.type === type && condition.status === status) ?? false;
}

function factsOf(job: Job): Facts {
  const [complete, failed] = [hasCondition(job, 'Complete', 'True'), hasCondition(job, 'Failed', 'True')];
  return {
    complete,
    failed,
    finished: complete || failed,
    failureTarget: hasCondition(job, 'FailureTarget', 'True'),
    criteriaMet: hasCondition(job, 'SuccessCriteriaMet', 'True'),
  };
}

type Changes = Readonly<Record<keyof Facts | (typeof parts)[number], boolean>>;

const parts = [
  'completedIndexes',
  'failedIndexes',
  'active',
  'startTime',
  'completionTime',
  'uncountedTerminatedPods',
  'ready',
  'terminating',
] as const satisfies readonly (keyof JobStatus)[];

function changesOf(job: Job, old: Job, now: Facts, before: Facts): Changes {
  const changes: Record<string, boolean> = {};
  for (const fact of Object.keys(now) as (keyof Facts)[]) changes[fact] = now[fact] !== before[fact];
  for (const part of parts) changes[part] = !semanticallyEqual(job.status?.[part], old.status?.[part]);
  changes.active = (job.status?.active ?? 0) !== (old.status?.active ?? 0);
  return changes as Changes;
}

function checkUncounted(errors: FieldError[], { uncountedTerminatedPods: uncounted }: JobStatus): void {
  const seen = new Set<string>();
  for (const list of ['succeeded', 'failed'] as const) {
    eachAt(`status.uncountedTerminatedPods.${list}`, uncounted?.[list], (at, uid) => {
      if (!uid) errors.push(invalid(at, uid, 'must not be empty'));
      else if (seen.has(uid)) errors.push(duplicate(at, uid));
      seen.add(uid);
    });
  }
}

function checkOutcome(
  errors: FieldError[],
  { now, changed, status }: { now: Facts; changed: Changes; status: JobStatus },
): void {
  const conditions = (detail: string) => errors.push(invalidUnquoted('status.conditions', detail));
  if ((changed.complete || changed.failed) && now.complete && now.failed) {
    conditions('cannot set Complete=True and Failed=true conditions');
  }
  if ((changed.complete || changed.failureTarget) && now.complete && now.failureTarget) {
    conditions('cannot set Complete=True and FailureTarget=true conditions');
  }
  const { startTime, completionTime } = status;
  const path = 'status.completionTime';
  if (changed.complete || changed.completionTime) {
    if (completionTime && !now.complete) {
      const detail = 'cannot set completionTime when there is no Complete=True condition';
      errors.push(invalid(path, completionTime, detail));
    }
    if (!completionTime && now.complete) errors.push(required(path, 'completionTime is required for Complete jobs'));
  }
  const isEarly = startTime && completionTime && Date.parse(completionTime) < Date.parse(startTime);
  if ((changed.startTime || changed.completionTime) && isEarly) {
    errors.push(invalid(path, completionTime, 'must be equal to or after `startTime`'));
  }
  if ((changed.failed || changed.failedIndexes) && now.failed && !now.failureTarget) {
    conditions('cannot set Failed=True condition without the FailureTarget=true condition');
  }
  if ((changed.complete || changed.criteriaMet) && now.complete && !now.criteriaMet) {
    conditions('cannot set Complete=True condition without the SuccessCriteriaMet=true condition');
  }
}

function checkFinished(errors: FieldError[], { now, changed, job }: { now: Facts; changed: Changes; job: Job }): void {
  if (!now.finished) return;
  const { active = 0, startTime, terminating = 0, uncountedTerminatedPods: uncounted } = job.status ?? {};
  if ((changed.finished || changed.active) && active > 0) {
    errors.push(invalid('status.active', active, 'active>0 is invalid for finished job'));
  }
  const neverRan = job.spec.suspend === true && job.spec.completions === 0;
  if ((changed.finished || changed.startTime) && !neverRan && !startTime) {
    errors.push(required('status.startTime', 'startTime is required for finished job'));
  }
  const left = (uncounted?.failed?.length ?? 0) + (uncounted?.succeeded?.length ?? 0);
  if ((changed.finished || changed.uncountedTerminatedPods) && left > 0) {
    errors.push(invalid('status.uncountedTerminatedPods', uncounted, 'must be empty for finished job'));
  }
  if ((changed.finished || changed.terminating) && terminating > 0) {
    errors.push(invalid('status.terminating', terminating, 'terminating>0 is invalid for finished job'));
  }
}

function checkIndexTexts(errors: FieldError[], { job, changed }: { job: Job; changed: Changes }): void {
  const { completions, completionMode, backoffLimitPerIndex } = job.spec;
  const { completedIndexes = '', failedIndexes } = job.status ?? {};
  const [completedPath, failedPath] = ['status.completedIndexes', 'status.failedIndexes'];
  if (changed.completedIndexes && completions !== undefined) {
    const { problem } = parseIndexes(completedIndexes, completions);
    if (problem) errors.push(invalid(completedPath, completedIndexes, `error parsing completedIndexes: ${problem}`));
  }
  const isChecked = completions !== undefined && failedIndexes !== undefined;
  if (changed.failedIndexes && isChecked && backoffLimitPerIndex !== undefined) {
    const { problem } = parseIndexes(failedIndexes, completions);
    if (problem) errors.push(invalid(failedPath, failedIndexes, `error parsing failedIndexes: ${problem}`));
  }
  if (changed.completedIndexes && completedIndexes && completionMode !== 'Indexed') {
    const detail = 'cannot set non-empty completedIndexes when non-indexed completion mode';
    errors.push(invalid(completedPath, completedIndexes, detail));
  }
  if (changed.failedIndexes && backoffLimitPerIndex === undefined && failedIndexes !== undefined) {
    const detail = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null';
    errors.push(invalid(failedPath, failedIndexes, detail));
  }
  if ((changed.failedIndexes || changed.completedIndexes) && isChecked) {
    const both = findOverlap(completedIndexes, failedIndexes, completions);
    if (both === undefined) return;
    const detail = `failedIndexes and completedIndexes overlap at index: ${both}`;
    errors.push(invalid(failedPath, failedIndexes, detail));
  }
}

function checkCriteria(errors: FieldError[], job: Job, now: Facts): void {
  const texts: readonly (readonly [boolean, string])[] = [
    [now.criteriaMet && now.failed, 'cannot set SuccessCriteriaMet=True and Failed=true conditions'],
    [now.criteriaMet && now.failureTarget, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'],
    [
      job.spec.successPolicy !== undefined && !now.criteriaMet && now.complete,
      'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True',
    ],
  ];
  for (const [isWrong, detail] of texts) if (isWrong) errors.push(invalidUnquoted('status.conditions', detail));
}

interface History {
  job: Job;
  old: Job;
  now: Facts;
  before: Facts;
}

function checkHistory(errors: FieldError[], { job, old, now, before }: History): void {
  const conditions = (detail: string) => errors.push(invalidUnquoted('status.conditions', detail));
  const terminal = { failed: 'Failed', complete: 'Complete', failureTarget: 'FailureTarget' } as const;
  for (const fact of ['failed', 'complete', 'failureTarget'] as const) {
    if (before[fact] && !now[fact]) conditions(`cannot disable the terminal ${terminal[fact]}=True condition`);
  }
  checkCounters(errors, job, old);
  checkTimes(errors, job, old);
  if (before.criteriaMet && !now.criteriaMet) conditions('cannot disable the SuccessCriteriaMet=True condition');
  if (before.complete && !before.criteriaMet && now.criteriaMet) {
    conditions('cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions');
  }
}

function checkCounters(errors: FieldError[], { spec, status }: Job, old: Job): void {
  // Elastic jobs shrink, and with them what has succeeded.
  const isElastic = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  for (const field of isElastic ? (['failed'] as const) : (['failed', 'succeeded'] as const)) {
    const now = status?.[field] ?? 0;
    if (now < (old.status?.[field] ?? 0)) {
      errors.push(invalid(`status.${field}`, now, `cannot decrease the ${field} counter`));
    }
  }
}

function checkTimes(errors: FieldError[], job: Job, old: Job): void {
  const { startTime, completionTime } = job.status ?? {};
  const [oldStart, oldEnd] = [old.status?.startTime, old.status?.completionTime];
  if (completionTime && oldEnd && completionTime !== oldEnd) {
    errors.push(invalid('status.completionTime', completionTime, immutableMessage));
  }
  const isResuming = hasCondition(old, 'Suspended', 'True') && hasCondition(job, 'Suspended', 'False');
  if (oldStart && startTime !== oldStart && !job.spec.suspend && !isResuming) {
    errors.push(invalid('status.startTime', startTime, 'field is immutable for unsuspended job once set'));
  }
}
