import type { FieldError } from '../../kind.ts';
import type { CronJob } from '../../types.ts';
import { checkNonNegative, invalid, notSupported, required } from '../field-error.ts';
import { describeScheduleProblem, isZone } from './cron-schedule.ts';
import { checkJobSpec } from './job-rules.ts';

const policies: readonly string[] = ['Allow', 'Forbid', 'Replace'];
/** 63 less the 11 characters that a job's name adds. */
const maxNameLength = 52;
const zonePart = /^[A-Za-z._0-9+][A-Za-z.\-_0-9+]{0,13}$/;

export function validateCronJob(object: CronJob): FieldError[] {
  const errors = validate(object, undefined);
  if (object.metadata.name.length > maxNameLength) {
    errors.push(invalid('metadata.name', object.metadata.name, `must be no more than ${maxNameLength} characters`));
  }
  return errors;
}

export function validateCronJobUpdate(object: CronJob, old: CronJob): FieldError[] {
  return validate(object, old);
}

function validate(object: CronJob, old: CronJob | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const { spec } = object;
  if (!spec.schedule) errors.push(required('spec.schedule'));
  else checkSchedule(errors, object, old);
  checkNonNegative(errors, 'spec.startingDeadlineSeconds', spec.startingDeadlineSeconds);
  if (spec.timeZone !== undefined && spec.timeZone !== old?.spec.timeZone) checkTimeZone(errors, spec.timeZone);
  const policy = spec.concurrencyPolicy ?? '';
  if (!policy) errors.push(required('spec.concurrencyPolicy'));
  else if (!policies.includes(policy)) errors.push(notSupported('spec.concurrencyPolicy', policy, policies));
  const template = spec.jobTemplate?.spec;
  if (template) {
    checkJobSpec(errors, 'spec.jobTemplate.spec', template);
    if (template.selector) {
      errors.push(invalid('spec.jobTemplate.spec.selector', template.selector, '`selector` will be auto-generated'));
    }
    if (template.manualSelector) {
      errors.push(notSupported('spec.jobTemplate.spec.manualSelector', true, ['nil', 'false']));
    }
  }
  checkNonNegative(errors, 'spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit);
  checkNonNegative(errors, 'spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit);
  return errors;
}

function checkSchedule(errors: FieldError[], object: CronJob, old: CronJob | undefined): void {
  const { schedule, timeZone } = object.spec;
  const path = 'spec.schedule';
  const problem = describeScheduleProblem(schedule);
  if (problem) errors.push(invalid(path, schedule, problem));
  if (!schedule.includes('TZ')) return;
  // Upstream lets those be that were there before it forbade zones in schedules.
  if (!old?.spec.schedule.includes('TZ')) {
    errors.push(invalid(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
  } else if (timeZone !== undefined) {
    errors.push(invalid(path, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'));
  }
}

function checkTimeZone(errors: FieldError[], zone: string): void {
  const path = 'spec.timeZone';
  if (zone === '') return void errors.push(invalid(path, zone, 'timeZone must be nil or non-empty string'));
  const isWellFormed = zone.split('/').every(part => zonePart.test(part) && part !== '.' && part !== '..');
  const unknown = `unknown time zone ${zone}`;
  if (!isWellFormed) return void errors.push(invalid(path, zone, unknown));
  if (zone.toLowerCase() === 'local') {
    const where = 'as defined in https://www.iana.org/time-zones';
    errors.push(invalid(path, zone, `timeZone must be an explicit time zone ${where}`));
  }
  // Go loads the machine's own zone by exactly this name.
  if (zone !== 'Local' && !isZone(zone)) errors.push(invalid(path, zone, unknown));
}
