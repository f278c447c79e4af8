import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job, JobSpec, Pod } from '#api';
import { resources } from '#api';
import type { TestControllers } from '../testing.ts';
import { setPodStatus, startTestControllers } from '../testing.ts';
import { job } from './controller.ts';
import { formatIndexes, parseIndexes } from './indexes.ts';

const { jobs, pods } = resources;
const ref = { namespace: 'default', name: 'work' };
const labels = { 'batch.kubernetes.io/job-name': 'work' };

const work = (spec: Partial<JobSpec>): Job => ({
  metadata: { ...ref },
  spec: {
    ...{ parallelism: 1, completions: 1, backoffLimit: 6, selector: { matchLabels: labels } },
    template: { metadata: { labels }, spec: { restartPolicy: 'Never', containers: [{ name: 'c' }] } },
    ...spec,
  },
});
const read = (deps: TestControllers) => deps.client.peek(jobs, ref)!;
const truths = (deps: TestControllers) =>
  (read(deps).status?.conditions ?? []).filter(one => one.status === 'True').map(one => `${one.type} ${one.reason}`);
const alive = (deps: TestControllers) =>
  deps.client
    .peekAll(pods)
    .filter(pod => !['Succeeded', 'Failed'].includes(pod.status?.phase ?? '') && !pod.metadata.deletionTimestamp);

async function start(spec: Partial<JobSpec>) {
  const deps = await startTestControllers([job]);
  await deps.client.create(jobs, work(spec));
  await deps.settle();
  return deps;
}

async function end(
  deps: TestControllers,
  phase: 'Succeeded' | 'Failed',
  which: (pod: Pod) => boolean = () => true,
  exitCode = 1,
) {
  const state = { terminated: { exitCode } };
  const containerStatuses = [{ name: 'c', image: '', imageID: '', ready: false, restartCount: 0, state }];
  for (const pod of alive(deps).filter(which))
    await setPodStatus(deps, pod, { phase, ...(phase === 'Failed' ? { containerStatuses } : {}) });
  await deps.settle();
}

test('a job runs to completion, and its pods are counted once and let go', async () => {
  await using deps = await start({ completions: 5, parallelism: 2 });
  assert.equal(alive(deps).length, 2);
  assert.equal(read(deps).status?.active, 2);
  assert.deepEqual(deps.client.peekAll(pods)[0]?.metadata.finalizers, ['batch.kubernetes.io/job-tracking']);
  for (let round = 0; round < 3; round++) await end(deps, 'Succeeded');
  const { status } = read(deps);
  assert.deepEqual([status?.succeeded, status?.failed, status?.active, status?.ready], [5, undefined, undefined, 0]);
  assert.deepEqual(truths(deps), ['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached']);
  assert.ok(status?.completionTime && status.startTime);
  assert.equal(deps.client.peekAll(pods).length, 5);
  assert.ok(deps.client.peekAll(pods).every(pod => !pod.metadata.finalizers?.length));
  assert.deepEqual(status?.uncountedTerminatedPods, {});
  assert.equal(deps.recorded.at(-1)?.reason, 'Completed');
});

test('failures come again after growing delays until the limit is reached', async () => {
  await using deps = await start({ backoffLimit: 2 });
  await end(deps, 'Failed');
  assert.equal(alive(deps).length, 0);
  await deps.clock.advance(9000);
  assert.equal(alive(deps).length, 0);
  await deps.clock.advance(2000);
  await deps.settle();
  assert.equal(alive(deps).length, 1);
  await end(deps, 'Failed');
  await deps.clock.advance(19_000);
  await deps.settle();
  assert.equal(alive(deps).length, 0);
  await deps.clock.advance(2000);
  await deps.settle();
  assert.equal(alive(deps).length, 1);
  await end(deps, 'Failed');
  await deps.settle();
  assert.deepEqual(truths(deps), ['FailureTarget BackoffLimitExceeded', 'Failed BackoffLimitExceeded']);
  assert.equal(read(deps).status?.failed, 3);
  assert.deepEqual(deps.recorded.at(-1), {
    ...{ type: 'Warning', reason: 'BackoffLimitExceeded', about: 'Job default/work' },
    message: 'Job has reached the specified backoff limit',
  });
});

test('an indexed job gives each pod its index and repeats only what failed', async () => {
  await using deps = await start({ completionMode: 'Indexed', completions: 4, parallelism: 4 });
  const index = (pod: Pod) => Number(pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index']);
  assert.deepEqual(alive(deps).map(index).sort(), [0, 1, 2, 3]);
  const [first] = alive(deps);
  assert.equal(first!.spec.hostname, `work-${index(first!)}`);
  assert.equal(first!.spec.containers[0]?.env?.[0]?.name, 'JOB_COMPLETION_INDEX');
  await end(deps, 'Failed', pod => index(pod) === 1);
  await end(deps, 'Succeeded');
  assert.equal(read(deps).status?.completedIndexes, '0,2,3');
  await deps.clock.advance(11_000);
  await deps.settle();
  assert.deepEqual(alive(deps).map(index), [1]);
  await end(deps, 'Succeeded');
  assert.equal(read(deps).status?.completedIndexes, '0-3');
  assert.ok(truths(deps).includes('Complete CompletionsReached'));
});

test('a job past its deadline ends its pods and fails', async () => {
  await using deps = await start({ activeDeadlineSeconds: 30, parallelism: 2, completions: 2 });
  await deps.clock.advance(31_000);
  await deps.settle();
  await deps.settle();
  assert.deepEqual(truths(deps), ['FailureTarget DeadlineExceeded', 'Failed DeadlineExceeded']);
  assert.equal(alive(deps).length, 0);
});

test('a suspended job has no pods until it is resumed', async () => {
  await using deps = await start({ suspend: true });
  assert.equal(deps.client.peekAll(pods).length, 0);
  assert.deepEqual(truths(deps), ['Suspended JobSuspended']);
  assert.equal(read(deps).status?.startTime, undefined);
  await deps.client.patch(jobs, ref, { type: 'merge', body: { spec: { suspend: false } } });
  await deps.settle();
  assert.equal(alive(deps).length, 1);
  assert.deepEqual(truths(deps), []);
  await deps.client.patch(jobs, ref, { type: 'merge', body: { spec: { suspend: true } } });
  await deps.settle();
  assert.equal(alive(deps).length, 0);
  assert.deepEqual(
    deps.recorded.map(event => event.reason).filter(one => /Susp|Resum/.test(one)),
    ['Suspended', 'Resumed', 'Suspended'],
  );
});

test('the pod failure policy fails the job at once, or does not count a failure', async () => {
  const rules = [
    { action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } },
    { action: 'Ignore', onExitCodes: { operator: 'In', values: [7] } },
  ];
  await using deps = await start({ podFailurePolicy: { rules }, backoffLimit: 0 });
  await end(deps, 'Failed', () => true, 7);
  assert.equal(read(deps).status?.failed ?? 0, 0);
  await deps.clock.advance(1000);
  assert.equal(alive(deps).length, 1);
  const { name } = alive(deps)[0]!.metadata;
  await end(deps, 'Failed', () => true, 42);
  await deps.settle();
  assert.ok(truths(deps).includes('Failed PodFailurePolicy'));
  const message = `Container c for pod default/${name} failed with exit code 42 matching FailJob rule at index 0`;
  assert.equal(read(deps).status?.conditions?.at(-1)?.message, message);
});

test('without completions one success is enough, and the others run to their end', async () => {
  await using deps = await start({ completions: undefined, parallelism: 3 });
  const [first] = alive(deps);
  await end(deps, 'Succeeded', pod => pod.metadata.uid === first!.metadata.uid);
  assert.equal(alive(deps).length, 2);
  assert.deepEqual(truths(deps), []);
  await end(deps, 'Succeeded');
  assert.ok(truths(deps).includes('Complete CompletionsReached'));
});

test('a job that is gone lets its pods go', async () => {
  await using deps = await start({});
  await deps.client.delete(jobs, ref);
  await deps.settle();
  assert.deepEqual(deps.client.peekAll(pods)[0]?.metadata.finalizers ?? [], []);
});

test('a job that another controller manages is left alone', async () => {
  await using deps = await start({ managedBy: 'example.com/queue' });
  assert.equal(deps.client.calls.filter(call => call.resource !== 'jobs.batch').length, 0);
});

for (const [indexes, text] of [
  [[], ''],
  [[0], '0'],
  [[1, 2], '1,2'],
  [[1, 2, 3, 7, 9, 10], '1-3,7,9,10'],
] as const) {
  test(`the indexes ${indexes} are written as "${text}"`, () => {
    assert.equal(formatIndexes(indexes), text);
    assert.deepEqual([...parseIndexes(text, 11)], indexes);
  });
}
