import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSystemClock } from '#base';
import { createFakeClock, createRecordingLog } from '#base/testing';
import type { StatusError } from '../errors.ts';
import type { JobThread } from './job-thread.ts';
import type { JobAnswer } from './jobs.ts';
import { createThreads } from './threads.ts';

function openThreads() {
  return createThreads({ clock: createSystemClock(), log: createRecordingLog() });
}

test('YAML is read elsewhere, and what is wrong with it is the answer of who reads it here', async () => {
  await using threads = openThreads();
  const [read, twice] = await Promise.all([
    threads.run('yaml', { text: 'a: [1, text]\nb:\n' }, 'jane'),
    threads.run('yaml', { text: 'a: 1\na: 2\n' }, 'jane'),
  ]);
  assert.deepEqual(read, { json: '{"a":[1,"text"],"b":null}', duplicates: [] });
  assert.match(twice.duplicates[0]!, /key "a" already set in map/);
  await assert.rejects(threads.run('yaml', { text: 'a: [1' }, 'jane'), {
    name: 'DecodeError',
    message: /^error converting YAML/,
  });
});

test('a custom object is judged by its schema, its old form and its rules', async () => {
  await using threads = openThreads();
  const schema = JSON.stringify({
    type: 'object',
    properties: { spec: { type: 'object', properties: { a: { type: 'integer', maximum: 5 } } } },
    'x-kubernetes-validations': [{ rule: '!has(self.spec.a) || self.spec.a != 3', message: 'not three' }],
  });
  const judge = (a: number, old?: number) =>
    threads.run(
      'custom',
      {
        schema,
        scale: undefined,
        object: JSON.stringify({ spec: { a } }),
        old: old === undefined ? undefined : JSON.stringify({ spec: { a: old } }),
        isStatus: false,
      },
      'jane',
    );
  assert.deepEqual(await judge(1), { errors: [], warnings: [] });
  assert.match((await judge(3)).errors[0]!.message, /not three/);
  assert.match((await judge(6)).errors[0]!.message, /less than or equal to 5/);
  assert.deepEqual(await judge(6, 6), { errors: [], warnings: [] });
});

test('a definition is judged whole', async () => {
  await using threads = openThreads();
  const { errors } = await threads.run(
    'definition',
    {
      object: JSON.stringify({
        metadata: { name: 'x' },
        spec: { group: 'example.com', scope: 'Cluster', versions: [] },
      }),
      old: undefined,
    },
    'jane',
  );
  assert.ok(errors.some(({ field }) => field === 'metadata.name'));
});

const isUnavailable = (error: unknown) => (error as StatusError).status.code === 503;

test('who waits when the server stops is told so', async () => {
  const threads = openThreads();
  const waiting = assert.rejects(threads.run('yaml', { text: 'a: 1' }, 'jane'), isUnavailable);
  await threads[Symbol.asyncDispose]();
  await waiting;
  await assert.rejects(threads.run('yaml', { text: 'a: 1' }, 'jane'), isUnavailable);
});

/** Threads that do nothing by themselves: `finish` ends the job of that text. */
function openIdleThreads() {
  const running = new Map<string, (answer: JobAnswer) => void>();
  let stopped = 0;
  const createThread = (): JobThread => ({
    run: (_name, input) => new Promise(resolve => running.set((input as { text: string }).text, resolve)),
    stop: async () => void stopped++,
  });
  const clock = createFakeClock();
  const log = createRecordingLog();
  const threads = createThreads({ clock, log, createThread });
  return {
    clock,
    log,
    threads,
    ask: (owner: string, text: string) => threads.run('yaml', { text }, owner),
    names: () => [...running.keys()].join(' '),
    stopped: () => stopped,
    async finish(text: string) {
      running.get(text)!({ output: { json: 'null', duplicates: [] } });
      running.delete(text);
      await clock.advance(0);
    },
  };
}

test('short jobs of all share one thread, users in turn', async () => {
  const { ask, names, finish, threads } = openIdleThreads();
  await using _stopped = threads;
  const asked = [ask('jane', 'jane-1'), ask('jane', 'jane-2'), ask('jane', 'jane-3'), ask('joe', 'joe-1')];
  const order: string[] = [];
  for (let turn = 0; turn < 4; turn++) {
    order.push(names());
    await finish(names());
  }
  assert.deepEqual(order, ['jane-1', 'joe-1', 'jane-2', 'jane-3']);
  await Promise.all(asked);
});

test('a long job holds up nobody but its user', async () => {
  const { ask, names, finish, threads, clock } = openIdleThreads();
  await using _stopped = threads;
  const asked = [ask('jane', 'long'), ask('jane', 'jane-2'), ask('joe', 'joe-1'), ask('joe', 'joe-2')];
  await clock.advance(99);
  assert.equal(names(), 'long');
  await clock.advance(1);
  assert.equal(names(), 'long joe-1');
  await finish('joe-1');
  assert.equal(names(), 'long joe-2');
  await finish('joe-2');
  assert.equal(names(), 'long');
  await finish('long');
  assert.equal(names(), 'jane-2');
  await finish('jane-2');
  await Promise.all(asked);
});

test('four long jobs are the most', async () => {
  const { ask, names, finish, threads, clock } = openIdleThreads();
  await using _stopped = threads;
  const asked = ['a', 'b', 'c', 'd', 'e'].map(name => ask(name, name));
  await clock.advance(1000);
  assert.equal(names(), 'a b c d');
  await finish('c');
  assert.equal(names(), 'a b d e');
  for (const name of ['a', 'b', 'd', 'e']) await finish(name);
  await Promise.all(asked);
});

test('what takes longer than half a minute is given up, and its thread ended; the next job gets another', async () => {
  const { ask, names, finish, threads, clock, log, stopped } = openIdleThreads();
  await using _stopped = threads;
  const given = assert.rejects(ask('jane', 'endless'), error => (error as StatusError).status.code === 504);
  const next = ask('jane', 'next');
  await clock.advance(29_999);
  assert.equal(names(), 'endless');
  assert.equal(stopped(), 0);
  await clock.advance(1);
  await given;
  assert.equal(stopped(), 1);
  assert.match(log.records[0]!.message, /took too long/);
  await finish('next');
  await next;
});

test('whoever has fifty jobs waiting is told to come back, and nobody else', async () => {
  const { ask, threads } = openIdleThreads();
  const unavailable = [];
  for (let index = 0; index < 51; index++)
    unavailable.push(assert.rejects(ask('jane', `jane-${index}`), isUnavailable));
  await assert.rejects(ask('jane', 'one more'), error => (error as StatusError).status.code === 429);
  unavailable.push(assert.rejects(ask('joe', 'joe-1'), isUnavailable));
  await threads[Symbol.asyncDispose]();
  await Promise.all(unavailable);
});

test('threads without work end', async () => {
  const { ask, finish, threads, clock, stopped } = openIdleThreads();
  await using _stopped = threads;
  const asked = ask('jane', 'one');
  await finish('one');
  await asked;
  await clock.advance(14_999);
  assert.equal(stopped(), 0);
  await clock.advance(1);
  assert.equal(stopped(), 1);
});
