import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '#api';
import { createFakeClock, createRecordingLog } from '#base/testing';
import { ClientError, createEventRecorder } from './index.ts';
import { createFakeClient, settle } from './testing.ts';

const about = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'x', uid: 'u' } };
const text = (message: string) => ({ type: 'Normal' as const, reason: 'Pulled', message });

function start() {
  const [clock, log] = [createFakeClock(), createRecordingLog()];
  const client = createFakeClient([], { clock });
  const recorder = createEventRecorder({ client, clock, log, component: 'kubelet', host: 'n1' });
  const stored = () =>
    client
      .peekAll(resources.events)
      .map(({ message, count, involvedObject }) => ({ message, count, about: involvedObject.name }));
  return { clock, client, log, recorder, stored };
}

test('an event tells what, about whom, by whom and when', async () => {
  const { client, recorder } = start();
  recorder.record(about, text('image present'));
  await settle();
  const [event] = client.peekAll(resources.events);
  assert.match(event!.metadata.name, /^a\.[0-9a-f]{16}$/);
  assert.equal(event!.metadata.namespace, 'x');
  assert.deepEqual(event!.involvedObject, { apiVersion: 'v1', kind: 'Pod', name: 'a', namespace: 'x', uid: 'u' });
  assert.deepEqual(event!.source, { component: 'kubelet', host: 'n1' });
  assert.deepEqual([event!.count, event!.lastTimestamp], [1, '2026-01-01T00:00:00Z']);
});

test('the same event again is counted, also after the stored one has expired', async () => {
  const { client, recorder, stored, clock } = start();
  recorder.record(about, text('m'));
  recorder.record(about, text('m'));
  await settle();
  assert.deepEqual(stored(), [{ message: 'm', count: 2, about: 'a' }]);
  const { metadata } = client.peekAll(resources.events)[0]!;
  await client.delete(resources.events, metadata);
  await clock.advance(60_000);
  recorder.record(about, text('m'));
  await settle();
  assert.deepEqual(stored(), [{ message: 'm', count: 3, about: 'a' }]);
});

test('more than ten of a kind are combined, and a flood about one object stops at its share', async () => {
  const { client, recorder, stored } = start();
  for (let i = 0; i < 40; i++) recorder.record(about, text(`m${i}`));
  await settle(300);
  assert.equal(stored().length, 10);
  const combined = stored().at(-1)!;
  assert.match(combined.message!, /^\(combined from similar events\): m24$/);
  assert.equal(client.calls.length, 25);
});

test('an unreachable server is tried again, a refusal is not', async () => {
  const { client, recorder, stored, clock, log } = start();
  let failures = 2;
  client.refuse(() => (failures-- > 0 ? new ClientError('unreachable', 'down') : undefined));
  recorder.record(about, text('m'));
  await settle();
  assert.equal(stored().length, 0);
  await clock.advance(20_000);
  assert.equal(stored().length, 1);
  client.refuse(() => new Error('no'));
  recorder.record(about, text('other'));
  await settle();
  assert.equal(log.records.at(-1)?.message, 'event not written');
  await recorder[Symbol.asyncDispose]();
  assert.equal(clock.pending, 0);
});
