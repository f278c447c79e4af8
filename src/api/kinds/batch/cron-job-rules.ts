import { CronPattern } from 'croner';
import type { FieldError } from '../../kind.ts';
import type { CronJob } from '../../types.ts';
import { checkNonNegative, invalid, notSupported, required } from '../field-error.ts';
import { checkJobSpec } from './job-rules.ts';

const policies: readonly string[] = ['Allow', 'Forbid', 'Replace'];
/** 63 less the 11 characters that a job's name adds. */
const maxNameLength = 52;
const zonePrefix = /(?:^|\s)(?:CRON_)?TZ=/;
const descriptors: ReadonlySet<string> = new Set([
  '@yearly',
  '@annually',
  '@monthly',
  '@weekly',
  '@daily',
  '@midnight',
  '@hourly',
]);

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
  if (spec.timeZone !== undefined) checkTimeZone(errors, spec.timeZone);
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
  if (zonePrefix.test(schedule)) {
    if (timeZone !== undefined) {
      errors.push(invalid(path, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'));
    } else if (!old || !zonePrefix.test(old.spec.schedule)) {
      errors.push(invalid(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
    }
  }
  const problem = describeScheduleProblem(schedule.replace(/^\s*(?:CRON_)?TZ=\S+\s*/, ''));
  if (problem) errors.push(invalid(path, schedule, problem));
}

function describeScheduleProblem(schedule: string): string | undefined {
  if (schedule.startsWith('@')) {
    const every = /^@every (?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(schedule);
    return every || descriptors.has(schedule) ? undefined : `unrecognized descriptor: ${schedule}`;
  }
  const fields = schedule.trim().split(/\s+/);
  if (fields.length !== 5) {
    return `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
  }
  try {
    new CronPattern(fields.map(field => (field === '?' ? '*' : field)).join(' '), undefined, { mode: '5-part' });
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^CronPattern: /, '');
  }
}

function checkTimeZone(errors: FieldError[], zone: string): void {
  const path = 'spec.timeZone';
  if (zone === '') return void errors.push(invalid(path, zone, 'timeZone must be nil or non-empty string'));
  if (zone.toLowerCase() === 'local') {
    return void errors.push(
      invalid(path, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'),
    );
  }
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch {
    errors.push(invalid(path, zone, `unknown time zone ${zone}`)); // The engine throws for zones that it does not know.
  }
}
