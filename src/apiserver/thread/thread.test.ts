import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import type { StatusError } from '../errors.ts';
import { createThread } from './thread.ts';

function openThread() {
  return createThread({ clock: createSystemClock(), log: createRecordingLog() });
}

test('YAML is read elsewhere, and what is wrong with it is the answer of who reads it here', async () => {
  await using thread = openThread();
  const [read, twice] = await Promise.all([
    thread.run('yaml', { text: 'a: [1, text]\nb:\n' }),
    thread.run('yaml', { text: 'a: 1\na: 2\n' }),
  ]);
  assert.deepEqual(read, { json: '{"a":[1,"text"],"b":null}', duplicates: [] });
  assert.match(twice.duplicates[0]!, /key "a" already set in map/);
  await assert.rejects(thread.run('yaml', { text: 'a: [1' }), {
    name: 'DecodeError',
    message: /^error converting YAML/,
  });
});

test('a custom object is judged by its schema, its old form and its rules', async () => {
  await using thread = openThread();
  const schema = JSON.stringify({
    type: 'object',
    properties: { spec: { type: 'object', properties: { a: { type: 'integer', maximum: 5 } } } },
    'x-kubernetes-validations': [{ rule: '!has(self.spec.a) || self.spec.a != 3', message: 'not three' }],
  });
  const judge = (a: number, old?: number) =>
    thread.run('custom', {
      schema,
      scale: undefined,
      object: JSON.stringify({ spec: { a } }),
      old: old === undefined ? undefined : JSON.stringify({ spec: { a: old } }),
      isStatus: false,
    });
  assert.deepEqual(await judge(1), { errors: [], warnings: [] });
  assert.match((await judge(3)).errors[0]!.message, /not three/);
  assert.match((await judge(6)).errors[0]!.message, /less than or equal to 5/);
  assert.deepEqual(await judge(6, 6), { errors: [], warnings: [] });
});

test('a definition is judged whole', async () => {
  await using thread = openThread();
  const { errors } = await thread.run('definition', {
    object: JSON.stringify({ metadata: { name: 'x' }, spec: { group: 'example.com', scope: 'Cluster', versions: [] } }),
    old: undefined,
  });
  assert.ok(errors.some(({ field }) => field === 'metadata.name'));
});

const isUnavailable = (error: unknown) => (error as StatusError).status.code === 503;

test('who waits when the server stops is told so', async () => {
  const thread = openThread();
  const waiting = assert.rejects(thread.run('yaml', { text: 'a: 1' }), isUnavailable);
  await thread[Symbol.asyncDispose]();
  await waiting;
  await assert.rejects(thread.run('yaml', { text: 'a: 1' }), isUnavailable);
});
