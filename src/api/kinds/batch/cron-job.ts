import type { Column, KindBehaviour } from '../../kind.ts';
import type { CronJob } from '../../types.ts';
import { specStrategy } from '../behaviour.ts';
import { ageColumn, containerColumns, nameColumn, since, text, wide } from '../columns.ts';
import { formatSelector } from '../label-selector.ts';
import { defaultPodTemplate } from '../pod-defaults.ts';
import { workloadWarnings } from '../template-warnings.ts';
import { validateCronJob, validateCronJobUpdate } from './cron-job-rules.ts';
import { defaultFailurePolicy, warnAboutManyIndexes } from './job.ts';

function defaults(draft: CronJob): void {
  const spec = draft.spec;
  spec.concurrencyPolicy ||= 'Allow';
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  // The job is filled in when it is made of the template; the pod inside is filled in now.
  if (!spec.jobTemplate?.spec) return;
  defaultFailurePolicy(spec.jobTemplate.spec);
  defaultPodTemplate(spec.jobTemplate.spec.template);
}

const columns: readonly Column<CronJob>[] = [
  nameColumn,
  text('Schedule', 'When jobs start, as cron says it.', o => o.spec.schedule),
  text('Timezone', 'Time zone of the schedule.', o => o.spec.timeZone ?? '<none>'),
  {
    ...text<CronJob>('Suspend', 'True when no jobs start.', o => {
      return o.spec.suspend === undefined ? '<unset>' : o.spec.suspend ? 'True' : 'False';
    }),
    type: 'boolean',
  },
  { ...text<CronJob>('Active', 'Jobs that run.', o => o.status?.active?.length ?? 0), type: 'integer' },
  text('Last Schedule', 'Time since a job was started.', (o, nowMs) => {
    return o.status?.lastScheduleTime ? since(o.status.lastScheduleTime, nowMs) : '<none>';
  }),
  ageColumn,
  ...containerColumns<CronJob>(o => o.spec.jobTemplate?.spec?.template),
  wide(text('Selector', 'Which pods belong to its jobs.', o => formatSelector(o.spec.jobTemplate?.spec?.selector))),
];

const templateWarnings = workloadWarnings<CronJob>(
  o => o.spec.jobTemplate?.spec?.template,
  'spec.jobTemplate.spec.template',
  o => warnAboutManyIndexes('spec.jobTemplate.spec', o.spec.jobTemplate?.spec),
);

const zoneWarning =
  'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details';

export const cronJob: KindBehaviour<CronJob> = {
  shortNames: ['cj'],
  categories: ['all'],
  defaults,
  ...specStrategy<CronJob>(),
  validateCreate: validateCronJob,
  validateUpdate: validateCronJobUpdate,
  warnings(object, old) {
    // A new one of that form is refused.
    const zone = old && object.spec.schedule.includes('TZ') ? [zoneWarning] : [];
    return [...templateWarnings(object, old), ...zone];
  },
  columns,
};
