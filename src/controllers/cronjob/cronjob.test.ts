import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CronJob, CronJobSpec } from '#api';
import { resources } from '#api';
import type { TestControllers } from '../testing.ts';
import { startTestControllers } from '../testing.ts';
import { cronjob } from './controller.ts';
import { planCronJob } from './plan.ts';
import { isTimeZone, mostRecent, parseSchedule } from './schedule.ts';

const { cronjobs, jobs } = resources;
const ref = { namespace: 'default', name: 'tick' };
const at = (text: string) => Date.parse(`2026-01-01T${text}Z`);

const tick = (spec: Partial<CronJobSpec> = {}): CronJob => {
  const template = { metadata: { labels: { app: 'tick' } }, spec: { containers: [] } };
  return {
    ...{ apiVersion: 'batch/v1', kind: 'CronJob' },
    metadata: { ...ref, uid: 'cron', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      schedule: '*/5 * * * *',
      timeZone: 'Etc/UTC',
      concurrencyPolicy: 'Allow',
      jobTemplate: { spec: { template } },
      ...spec,
    },
  };
};
const names = (deps: TestControllers) =>
  deps.client
    .peekAll(jobs)
    .map(({ metadata }) => metadata.name)
    .sort();
const minute = (text: string) => `tick-${at(text) / 60_000}`;
const reasons = (deps: TestControllers) => deps.recorded.map(({ reason }) => reason);

async function finish(deps: TestControllers, name: string, type: 'Complete' | 'Failed') {
  const job = deps.client.peek(jobs, { namespace: 'default', name })!;
  const now = new Date(deps.clock.now()).toISOString();
  const status = {
    conditions: [{ type, status: 'True' }],
    startTime: job.metadata.creationTimestamp,
    completionTime: now,
  };
  await deps.client.update(jobs, { ...job, status }, { subresource: 'status' });
  await deps.settle();
}

test('a job is created at each time, named by its minute, and its end is told', async () => {
  await using deps = await startTestControllers([cronjob], [tick()]);
  assert.deepEqual(names(deps), []);
  await deps.clock.advance(301_000);
  await deps.settle();
  assert.deepEqual(names(deps), [minute('00:05:00')]);
  const status = deps.client.peek(cronjobs, ref)?.status;
  assert.equal(status?.lastScheduleTime, '2026-01-01T00:05:00Z');
  assert.deepEqual(
    status?.active?.map(({ name }) => name),
    [minute('00:05:00')],
  );
  await finish(deps, minute('00:05:00'), 'Complete');
  assert.equal(deps.client.peek(cronjobs, ref)?.status?.active, undefined);
  assert.ok(deps.client.peek(cronjobs, ref)?.status?.lastSuccessfulTime);
  assert.deepEqual(reasons(deps), ['SuccessfulCreate', 'SawCompletedJob']);
  await deps.clock.advance(300_000);
  await deps.settle();
  assert.equal(names(deps).length, 2);
});

test('Forbid skips while one runs, Replace ends it', async () => {
  await using forbid = await startTestControllers([cronjob], [tick({ concurrencyPolicy: 'Forbid' })]);
  await forbid.clock.advance(601_000);
  await forbid.settle();
  assert.deepEqual(names(forbid), [minute('00:05:00')]);
  assert.ok(reasons(forbid).includes('JobAlreadyActive'));
  await using replace = await startTestControllers([cronjob], [tick({ concurrencyPolicy: 'Replace' })]);
  await replace.clock.advance(601_000);
  await replace.settle();
  assert.deepEqual(names(replace), [minute('00:10:00')]);
});

test('finished jobs beyond the limits go, oldest first', async () => {
  await using deps = await startTestControllers(
    [cronjob],
    [tick({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 })],
  );
  for (const end of ['Complete', 'Failed', 'Complete'] as const) {
    await deps.clock.advance(300_500);
    await deps.settle();
    await finish(deps, names(deps).at(-1)!, end);
  }
  assert.deepEqual(names(deps), [minute('00:15:00')]);
});

const due = (now: string, spec: Partial<CronJobSpec> = {}, lastScheduleTime?: string) => {
  const plan = planCronJob({ cronJob: { ...tick(spec), status: { lastScheduleTime } }, jobs: [], nowMs: at(now) });
  return { job: plan.create?.metadata.name, events: plan.events.map(({ reason }) => reason), afterMs: plan.afterMs };
};

test('after a pause only the newest missed time is made up for', () => {
  assert.equal(due('01:02:00').job, minute('01:00:00'));
  assert.equal(due('01:02:00', {}, '2026-01-01T01:00:00Z').job, undefined);
});

test('a missed time past its deadline is not made up for', () => {
  assert.equal(due('01:02:00', { startingDeadlineSeconds: 60 }).job, undefined);
  assert.equal(due('01:00:30', { startingDeadlineSeconds: 60 }).job, minute('01:00:00'));
});

test('very many missed times are worth a warning, and cost little', () => {
  const result = due('23:59:59', { schedule: '* * * * *' });
  assert.deepEqual([result.job, result.events], [minute('23:59:00'), ['TooManyMissedTimes']]);
});

test('suspension, unknown zones and unreadable schedules start nothing', () => {
  assert.deepEqual(due('01:00:00', { suspend: true }), { job: undefined, events: [], afterMs: undefined });
  assert.deepEqual(due('01:00:00', { timeZone: 'Nowhere/X' }).events, ['UnknownTimeZone']);
  assert.deepEqual(due('01:00:00', { schedule: '61 * * * *' }).events, ['UnparseableSchedule']);
});

for (const [text, zone, after, next] of [
  ['0 2 * * *', 'Europe/Berlin', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z'],
  ['@hourly', 'Etc/UTC', '2026-01-01T00:10:00Z', '2026-01-01T01:00:00Z'],
  ['0 0 13 * 5', 'Etc/UTC', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'],
  ['0 0 ? * MON', 'Etc/UTC', '2026-01-01T00:00:00Z', '2026-01-05T00:00:00Z'],
  ['@every 1h30m', undefined, '2026-01-01T00:00:00Z', '2026-01-01T01:30:00Z'],
] as const) {
  test(`${text} in ${zone} follows ${after} at ${next}`, () => {
    assert.equal(parseSchedule(text, zone).next(Date.parse(after)), Date.parse(next));
  });
}

test('the newest time of an irregular schedule is found from far away', () => {
  const schedule = parseSchedule('0 9 1 */3 *', 'Etc/UTC');
  const found = mostRecent(schedule, Date.parse('2020-01-01T00:00:00Z'), Date.parse('2026-06-15T00:00:00Z'));
  assert.equal(new Date(found!.timeMs).toISOString(), '2026-04-01T09:00:00.000Z');
  assert.equal(isTimeZone('Europe/Berlin') && !isTimeZone('Local'), true);
});
