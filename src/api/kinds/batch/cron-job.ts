import type { Column, KindBehaviour } from '../../kind.ts';
import type { CronJob } from '../../types.ts';
import { specStrategy } from '../behaviour.ts';
import { ageColumn, containerColumns, nameColumn, since, text, wide } from '../columns.ts';
import { formatSelector } from '../label-selector.ts';
import { defaultPodTemplate } from '../pod-defaults.ts';
import { validateCronJob, validateCronJobUpdate } from './cron-job-rules.ts';
import { defaultFailurePolicy } from './job.ts';

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

export const cronJob: KindBehaviour<CronJob> = {
  shortNames: ['cj'],
  categories: ['all'],
  defaults,
  ...specStrategy<CronJob>(),
  validateCreate: validateCronJob,
  validateUpdate: validateCronJobUpdate,
  warnings(object) {
    const name = object.metadata.name;
    const zone = /(?:^|\s)(?:CRON_)?TZ=/.test(object.spec.schedule);
    const warnings = zone
      ? [
          `spec.schedule: cannot use TZ or CRON_TZ in schedule, use timeZone field instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#unsupported-timezone-specification for more details`,
        ]
      : [];
    return /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) ? warnings : [...warnings, dnsWarning(name)];
  },
  columns,
};

function dnsWarning(name: string): string {
  return `metadata.name: this is used in the CronJob's Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${JSON.stringify(name)} is not a DNS label]`;
}
