import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '#base/testing';
import { startTestApiServer } from '../testing.ts';

const path = '/api/v1/namespaces/default/events';
const event = (name: string) => ({
  metadata: { name },
  involvedObject: { kind: 'Pod', namespace: 'default', name: 'a' },
  reason: 'Tested',
  type: 'Normal',
});

test('an event goes an hour after it was last written; other objects stay', async () => {
  const clock = createFakeClock();
  await using server = await startTestApiServer({ clock, eventTtlMs: 3_600_000 });
  const names = async () =>
    (await server.call('GET', path)).json.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
  for (const name of ['old', 'renewed'])
    assert.equal((await server.call('POST', path, { body: event(name) })).status, 201);
  await server.call('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name: 'map' } } });
  await clock.advance(50 * 60_000);
  const headers = { 'content-type': 'application/merge-patch+json' };
  await server.call('PATCH', `${path}/renewed`, { body: { count: 2 }, headers });
  assert.deepEqual(await names(), ['old', 'renewed']);
  await clock.advance(12 * 60_000);
  assert.deepEqual(await names(), ['renewed']);
  await clock.advance(50 * 60_000);
  assert.deepEqual(await names(), []);
  assert.equal((await server.call('GET', '/api/v1/namespaces/default/configmaps/map')).status, 200);
});
