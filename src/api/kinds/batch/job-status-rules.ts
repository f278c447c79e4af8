import type { FieldError } from '../../kind.ts';
import type { Job } from '../../types.ts';
import { checkNonNegative, duplicate, invalid, required } from '../field-error.ts';
import { eachAt } from '../paths.ts';

const counters = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const;

/** A job's status never goes back: what is finished stays finished. Source: batch/validation ValidateJobStatusUpdate. */
export function validateJobStatus(job: Job, old: Job): FieldError[] {
  const errors: FieldError[] = [];
  const status = job.status ?? {};
  for (const field of counters) checkNonNegative(errors, `status.${field}`, status[field]);
  const uncounted = status.uncountedTerminatedPods;
  for (const list of ['succeeded', 'failed'] as const) {
    const seen = new Set<string>();
    eachAt(`status.uncountedTerminatedPods.${list}`, uncounted?.[list], (at, uid) => {
      if (!uid) errors.push(invalid(at, uid, 'must not be empty'));
      else if (seen.has(uid)) errors.push(duplicate(at, uid));
      seen.add(uid);
    });
  }
  checkFinished(errors, job);
  checkHistory(errors, job, old);
  return errors;
}

function isTrue(job: Job, type: string): boolean {
  return job.status?.conditions?.some(condition => condition.type === type && condition.status === 'True') ?? false;
}

function checkFinished(errors: FieldError[], job: Job): void {
  const [complete, failed] = [isTrue(job, 'Complete'), isTrue(job, 'Failed')];
  const status = job.status ?? {};
  if (complete && failed) {
    errors.push(invalid('status.conditions', status.conditions, 'cannot set Complete=True and Failed=true conditions'));
  }
  if (complete && isTrue(job, 'FailureTarget')) {
    const detail = 'cannot set Complete=True and FailureTarget=true conditions';
    errors.push(invalid('status.conditions', status.conditions, detail));
  }
  if ((complete || failed) && (status.active ?? 0) > 0) {
    errors.push(invalid('status.active', status.active, 'active>0 is invalid for finished job'));
  }
  if (complete && !status.completionTime) {
    errors.push(required('status.completionTime', 'completionTime is required for Complete jobs'));
  }
  if (!complete && status.completionTime) {
    const detail = 'completionTime cannot be set when there is no Complete=True condition';
    errors.push(invalid('status.completionTime', status.completionTime, detail));
  }
  const { startTime, completionTime } = status;
  if (startTime && completionTime && Date.parse(completionTime) < Date.parse(startTime)) {
    const detail = `completionTime cannot be set before startTime`;
    errors.push(invalid('status.completionTime', completionTime, detail));
  }
}

function checkHistory(errors: FieldError[], job: Job, old: Job): void {
  for (const type of ['Complete', 'Failed']) {
    if (!isTrue(old, type) || isTrue(job, type)) continue;
    const verb = type === 'Complete' ? 'Complete' : 'Failed';
    errors.push(invalid('status.conditions', `${verb}`, `cannot disable the terminal ${verb}=True condition`));
  }
  const finished = isTrue(old, 'Complete') || isTrue(old, 'Failed');
  for (const field of ['succeeded', 'failed'] as const) {
    const [now, before] = [job.status?.[field] ?? 0, old.status?.[field] ?? 0];
    if (now < before && finished) errors.push(invalid(`status.${field}`, now, `cannot decrease the ${field} counter`));
  }
}
