import type { CronJob, CronJobStatus, Job, ObjectReference } from '#api';
import { resources } from '#api';
import { formatTime } from '#base';
import type { EventText } from '#client';
import { hasCondition } from '../conditions.ts';
import { controllerRefTo } from '../owners.ts';
import { textOf } from '../pod-control.ts';
import { isTimeZone, mostRecent, parseSchedule } from './schedule.ts';

export interface CronJobInput {
  cronJob: CronJob;
  /** Jobs that the cron job manages. */
  jobs: readonly Job[];
  nowMs: number;
}

export interface CronJobPlan {
  create: Job | undefined;
  /** Running jobs that a new one replaces. */
  replace: Job[];
  /** Finished jobs beyond the history limits. */
  expire: Job[];
  /** Without the job to be created. */
  status: CronJobStatus;
  /** What lastScheduleTime becomes when `create` was created. */
  scheduleTime: string | undefined;
  events: EventText[];
  afterMs: number | undefined;
}

const stampAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
/** Upstream adds a little to the wait, so that the time has surely come. */
const slackMs = 100;
/** More missed times than this are worth a warning, as upstream. */
const manyMissed = 100;

/** What a cron job does now. After upstream's syncCronJob. */
export function planCronJob(input: CronJobInput): CronJobPlan {
  const { cronJob, jobs } = input;
  const plan: CronJobPlan = {
    ...{ create: undefined, replace: [], scheduleTime: undefined, events: [], afterMs: undefined },
    expire: expired(input),
    status: {},
  };
  plan.status = followJobs(input, plan.events);
  if (cronJob.metadata.deletionTimestamp || cronJob.spec.suspend) return plan;
  const running = jobs.filter(job => plan.status.active?.some(ref => ref.uid === job.metadata.uid));
  schedule(input, plan, running);
  return plan;
}

const finishedAs = ({ status }: Job): 'Complete' | 'Failed' | undefined =>
  hasCondition(status?.conditions, 'Complete')
    ? 'Complete'
    : hasCondition(status?.conditions, 'Failed')
      ? 'Failed'
      : undefined;

/** The list of running jobs, and what its changes tell. */
function followJobs({ cronJob, jobs }: CronJobInput, events: EventText[]): CronJobStatus {
  const { active = [], ...status } = cronJob.status ?? {};
  const say = (type: EventText['type'], reason: string, message: string) => events.push({ type, reason, message });
  const kept: ObjectReference[] = [];
  for (const ref of active) {
    const job = jobs.find(one => one.metadata.uid === ref.uid);
    const end = job && finishedAs(job);
    if (!job) say('Normal', 'MissingJob', `Active job went missing: ${ref.name}`);
    else if (end) {
      say('Normal', 'SawCompletedJob', `Saw completed job: ${job.metadata.name}, condition: ${end}`);
    } else kept.push(ref);
  }
  // A job newer than the last noted time is our own, and only the informer does not show the note yet.
  const isNews = ({ metadata }: Job) =>
    (metadata.annotations?.[stampAnnotation] ?? '') > (status.lastScheduleTime ?? '');
  const forgotten = (job: Job) => !finishedAs(job) && !active.some(ref => ref.uid === job.metadata.uid) && !isNews(job);
  for (const job of jobs.filter(forgotten)) {
    say('Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${job.metadata.name}`);
  }
  const successes = jobs.filter(job => finishedAs(job) === 'Complete').map(job => job.status?.completionTime ?? '');
  const newest = [status.lastSuccessfulTime ?? '', ...successes].sort().at(-1);
  return {
    ...status,
    ...(kept.length ? { active: kept } : {}),
    ...(newest ? { lastSuccessfulTime: newest } : {}),
  };
}

function schedule({ cronJob, nowMs }: CronJobInput, plan: CronJobPlan, running: Job[]): void {
  const { spec, status, metadata } = cronJob;
  const warn = (reason: string, message: string) => plan.events.push({ type: 'Warning', reason, message });
  if (spec.timeZone !== undefined && !isTimeZone(spec.timeZone)) {
    warn('UnknownTimeZone', `invalid timeZone: "${spec.timeZone}": unknown time zone ${spec.timeZone}`);
    return;
  }
  let times: ReturnType<typeof parseSchedule>;
  try {
    times = parseSchedule(spec.schedule, spec.timeZone);
  } catch (error) {
    warn('UnparseableSchedule', `unparseable schedule: "${spec.schedule}" : ${textOf(error)}`);
    return;
  }
  const nextMs = times.next(nowMs);
  plan.afterMs = nextMs === undefined ? undefined : nextMs - nowMs + slackMs;
  const deadlineMs =
    spec.startingDeadlineSeconds === undefined ? Number.POSITIVE_INFINITY : spec.startingDeadlineSeconds * 1000;
  const lastMs = Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp ?? '') || nowMs;
  const due = mostRecent(times, Math.max(lastMs, nowMs - deadlineMs), nowMs);
  if (!due) return;
  if (due.missed > manyMissed) {
    warn(
      'TooManyMissedTimes',
      'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
    );
  }
  if (due.timeMs + deadlineMs < nowMs) {
    warn('MissSchedule', `Missed scheduled time to start a job: ${new Date(due.timeMs).toUTCString()}`);
    return;
  }
  if (spec.concurrencyPolicy === 'Forbid' && running.length) {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    plan.events.push({ type: 'Normal', reason: 'JobAlreadyActive', message });
    return;
  }
  if (spec.concurrencyPolicy === 'Replace') plan.replace = running;
  plan.create = buildJob(cronJob, due.timeMs);
  plan.scheduleTime = formatTime(due.timeMs);
}

function buildJob(cronJob: CronJob, timeMs: number): Job {
  const { metadata = {}, spec } = structuredClone(cronJob.spec.jobTemplate);
  const stamp = { [stampAnnotation]: formatTime(timeMs) };
  return {
    metadata: {
      // The minute in the name makes a second creation for the same time fail.
      name: `${cronJob.metadata.name}-${Math.floor(timeMs / 60_000)}`,
      namespace: cronJob.metadata.namespace,
      labels: { ...metadata.labels },
      annotations: { ...metadata.annotations, ...stamp },
      ownerReferences: [controllerRefTo(resources.cronjobs, cronJob)],
    },
    spec: spec!,
  };
}

function expired({ cronJob, jobs }: CronJobInput): Job[] {
  const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cronJob.spec;
  const oldest = (end: 'Complete' | 'Failed', limit: number) => {
    const all = jobs.filter(job => finishedAs(job) === end && !job.metadata.deletionTimestamp);
    const startOf = ({ status, metadata }: Job) => status?.startTime ?? metadata.creationTimestamp ?? '';
    const sorted = all.sort((a, b) => (startOf(a) < startOf(b) ? -1 : startOf(a) > startOf(b) ? 1 : 0));
    return sorted.slice(0, Math.max(0, all.length - limit));
  };
  return [...oldest('Complete', successfulJobsHistoryLimit), ...oldest('Failed', failedJobsHistoryLimit)];
}
