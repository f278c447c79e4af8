import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job, JobSpec, JobStatus } from '../../types.ts';
import { defaultJobSpec } from './job.ts';
import { findOverlap, parseIndexes } from './job-indexes.ts';
import { validateJobStatus } from './job-status-rules.ts';
import { validateJobUpdate } from './job-update-rules.ts';

const labels = {
  'batch.kubernetes.io/controller-uid': 'u',
  'batch.kubernetes.io/job-name': 'seed',
  'controller-uid': 'u',
  'job-name': 'seed',
};

function jobOf(spec: Partial<JobSpec>, status: JobStatus = {}): Job {
  const podSpec = { restartPolicy: 'Never', containers: [{ name: 'a', image: 'b' }] };
  const template = { metadata: { labels }, spec: podSpec };
  const selector = { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } };
  const job: Job = { metadata: { name: 'seed', uid: 'u' }, spec: { selector, template, ...spec }, status };
  defaultJobSpec(job.spec);
  return job;
}

const truths = (...types: string[]) => types.map(type => ({ type, status: 'True' }));
const [early, late] = ['2030-01-01T00:00:00Z', '2030-01-01T00:01:00Z'];

test('texts of indexes', () => {
  const problems: readonly (readonly [string, string | undefined])[] = [
    ['', undefined],
    ['0,2-4', undefined],
    ['3,3', 'non-increasing order, previous: 3, current: 3'],
    ['4-4', 'non-increasing order, previous: 4, current: 4'],
    ['5', 'too large index: "5"'],
    ['1-9', 'too large index: "9"'],
    ['x', 'cannot convert string to integer for index: "x"'],
    [
      '1-2-3',
      'the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by \'-\'',
    ],
  ];
  for (const [text, problem] of problems) assert.equal(parseIndexes(text, 5).problem, problem, text);
  assert.equal(parseIndexes('0,2-4', 5).total, 4);
  assert.equal(findOverlap('0,2-4', '1,3', 5), 3);
  assert.equal(findOverlap('0,2', '1,3-4', 5), undefined);
  assert.equal(findOverlap('x,2', '2', 5), 2);
});

interface Case {
  spec?: Partial<JobSpec>;
  old?: JobStatus;
  now: JobStatus;
  errors: readonly string[];
}

const done = { startTime: early, completionTime: late, conditions: truths('SuccessCriteriaMet', 'Complete') };
const indexed = { completionMode: 'Indexed', completions: 5, parallelism: 2 };

const statusCases: Readonly<Record<string, Case>> = {
  'a job ends well': { now: done, errors: [] },
  'a job fails': { now: { startTime: early, conditions: truths('FailureTarget', 'Failed') }, errors: [] },
  'what was wrong before may be written again': {
    old: { active: 1, ready: 2, conditions: truths('Failed') },
    now: { active: 1, ready: 2, conditions: truths('Failed') },
    errors: [],
  },
  'an end without a start': {
    now: { completionTime: early, active: 1, terminating: 1, conditions: truths('Complete') },
    errors: [
      'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
      'status.active: Invalid value: 1: active>0 is invalid for finished job',
      'status.startTime: Required value: startTime is required for finished job',
      'status.terminating: Invalid value: 1: terminating>0 is invalid for finished job',
    ],
  },
  'an end before the start': {
    now: { ...done, startTime: late, completionTime: early, uncountedTerminatedPods: { failed: ['a'] } },
    errors: [
      `status.completionTime: Invalid value: "${early}": must be equal to or after \`startTime\``,
      'status.uncountedTerminatedPods: Invalid value: {"failed":["a"]}: must be empty for finished job',
    ],
  },
  'a suspended job of no completions never starts': {
    spec: { suspend: true, completions: 0 },
    now: { completionTime: early, conditions: truths('SuccessCriteriaMet', 'Complete') },
    errors: [],
  },
  'every outcome at once': {
    now: { startTime: early, conditions: truths('Complete', 'Failed', 'FailureTarget', 'SuccessCriteriaMet') },
    errors: [
      'status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions',
      'status.conditions: Invalid value: cannot set Complete=True and FailureTarget=true conditions',
      'status.completionTime: Required value: completionTime is required for Complete jobs',
      'status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and Failed=true conditions',
      'status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions',
    ],
  },
  'a failure that nobody decided, with a time': {
    now: { startTime: early, completionTime: late, conditions: truths('Failed') },
    errors: [
      `status.completionTime: Invalid value: "${late}": cannot set completionTime when there is no Complete=True condition`,
      'status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition',
    ],
  },
  'nothing goes back': {
    old: { ...done, failed: 2, succeeded: 3 },
    now: { startTime: late, failed: 1, succeeded: 2 },
    errors: [
      'status.conditions: Invalid value: cannot disable the terminal Complete=True condition',
      'status.failed: Invalid value: 1: cannot decrease the failed counter',
      'status.succeeded: Invalid value: 2: cannot decrease the succeeded counter',
      `status.startTime: Invalid value: "${late}": field is immutable for unsuspended job once set`,
      'status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition',
    ],
  },
  'the time of the end stays': {
    old: done,
    now: { ...done, completionTime: '2030-01-01T00:02:00Z' },
    errors: ['status.completionTime: Invalid value: "2030-01-01T00:02:00Z": field is immutable'],
  },
  'an elastic job loses what had succeeded': {
    spec: { ...indexed, parallelism: 5 },
    old: { succeeded: 5 },
    now: { succeeded: 3 },
    errors: [],
  },
  'a resumed job starts anew': {
    old: { startTime: early, conditions: truths('Suspended') },
    now: { startTime: late, conditions: [{ type: 'Suspended', status: 'False' }] },
    errors: [],
  },
  'indexes of a job without them': {
    now: { completedIndexes: '0', failedIndexes: '1', ready: 1 },
    errors: [
      'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
      'status.failedIndexes: Invalid value: "1": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
      'status.ready: Invalid value: 1: cannot set more ready pods than active',
    ],
  },
  'indexes of no form': {
    spec: { ...indexed, backoffLimitPerIndex: 1 },
    now: { completedIndexes: '1,9', failedIndexes: '1,0' },
    errors: [
      'status.completedIndexes: Invalid value: "1,9": error parsing completedIndexes: too large index: "9"',
      'status.failedIndexes: Invalid value: "1,0": error parsing failedIndexes: non-increasing order, previous: 1, current: 0',
      'status.failedIndexes: Invalid value: "1,0": failedIndexes and completedIndexes overlap at index: 1',
    ],
  },
};

for (const [name, { spec = {}, old = {}, now, errors }] of Object.entries(statusCases)) {
  test(`the status of a job: ${name}`, () => {
    const found = validateJobStatus(jobOf(spec, now), jobOf(spec, old));
    assert.deepEqual(
      found.map(({ field, message }) => `${field}: ${message}`),
      errors,
    );
  });
}

const template = (image: string, cpu: string, nodeSelector?: Record<string, string>) => ({
  metadata: { labels },
  spec: {
    restartPolicy: 'Never',
    ...(nodeSelector && { nodeSelector }),
    containers: [{ name: 'a', image, resources: { requests: { cpu } } }],
  },
});

test('a suspended job without pods may get other resources and nodes, and nothing else', () => {
  const fields = (old: Job, now: Job) => validateJobUpdate(now, old).map(({ field }) => field);
  const old = (spec: Partial<JobSpec>, status: JobStatus) => jobOf({ template: template('b', '1'), ...spec }, status);
  const moved = jobOf({ template: template('b', '2', { disk: 'ssd' }) });
  assert.deepEqual(fields(old({ suspend: true }, {}), moved), []);
  assert.deepEqual(fields(old({ suspend: true }, { startTime: early, conditions: truths('Suspended') }), moved), []);
  assert.deepEqual(fields(old({ suspend: true }, { startTime: early }), moved), ['spec.template']);
  assert.deepEqual(fields(old({ suspend: true }, { active: 1 }), moved), ['spec.template']);
  assert.deepEqual(fields(old({}, {}), moved), ['spec.template']);
  const other = jobOf({ template: template('c', '1') });
  assert.deepEqual(fields(old({ suspend: true }, {}), other), ['spec.template.spec']);
});

test('completions follow parallelism', () => {
  const old = jobOf({ ...indexed, completions: 5, parallelism: 5 });
  assert.deepEqual(validateJobUpdate(jobOf({ ...indexed, completions: 3, parallelism: 3 }), old), []);
  const [error] = validateJobUpdate(jobOf({ ...indexed, completions: 3, parallelism: 2 }), old);
  assert.equal(error?.message, 'Invalid value: 3: can only be modified in tandem with spec.parallelism');
});
