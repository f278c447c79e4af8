/** test/e2e/instrumentation/events.go and core_events.go say what is demanded. */
import assert from 'node:assert/strict';
import type { Json } from '../api.ts';
import type { Suite, World } from '../suite.ts';
import { eventually } from '../suite.ts';

const now = '2026-01-01T00:00:00.000000Z';

const newEvent = (world: World, name: string): Json => ({
  metadata: { name, labels: { 'testevent-set': world.namespace } },
  regarding: { kind: 'Pod', namespace: world.namespace, name: 'a' },
  ...{ reportingController: 'test-controller', reportingInstance: 'test-node', type: 'Normal' },
  ...{ reason: 'Test', action: 'Do', note: 'This is a test event', eventTime: now },
});

const coreEvent = (world: World, name: string): Json => ({
  metadata: { name, labels: { 'testevent-set': world.namespace } },
  ...{ type: 'Normal', reason: 'Test', message: 'This is a test event', source: { component: 'test' } },
  involvedObject: { kind: 'Pod', namespace: world.namespace, name: 'a' },
});

interface Kind {
  readonly name: string;
  readonly groupVersion: string;
  readonly make: (world: World, name: string) => Json;
  readonly text: 'note' | 'message';
}

const kinds: readonly Kind[] = [
  { name: 'Events API', groupVersion: 'events.k8s.io/v1', make: newEvent, text: 'note' },
  { name: 'Events', groupVersion: 'v1', make: coreEvent, text: 'message' },
];

const everywhere = ({ groupVersion }: Kind) =>
  groupVersion === 'v1' ? '/api/v1/events' : `/apis/${groupVersion}/events`;

async function manage(kind: Kind, world: World): Promise<void> {
  const { api } = world;
  const path = world.inNamespace('events', kind.groupVersion);
  const selector = `labelSelector=${encodeURIComponent(`testevent-set=${world.namespace}`)}`;
  await api.create(path, kind.make(world, 'one'));
  assert.equal((await api.get(`${path}?${selector}`)).items.length, 1);
  assert.equal((await api.get(`${everywhere(kind)}?${selector}`)).items.length, 1);
  const bySource = kind.text === 'note' ? 'reportingController=test-controller' : 'source=test';
  const found = await api.get(`${path}?fieldSelector=${encodeURIComponent(`${bySource},reason=Test`)}`);
  assert.deepEqual(
    found.items.map((item: Json) => item.metadata.name),
    ['one'],
  );

  // In the newer group what happened cannot be changed any more, only how often.
  const change = kind.text === 'note' ? { series: { count: 2, lastObservedTime: now } } : { message: 'patched' };
  const patched = await api.patch(`${path}/one`, change);
  for (const [field, value] of Object.entries(change)) assert.deepEqual(patched[field], value);
  const event = await api.get(`${path}/one`);
  event.series = { count: 100, lastObservedTime: now };
  const updated = await api.update(`${path}/one`, event);
  assert.deepEqual(updated.series, { count: 100, lastObservedTime: now });
  assert.equal((await api.get(`${path}/one`)).series.count, 100);
  // Both groups show the same objects.
  const other = kinds.find(one => one !== kind)!;
  const there = await api.get(`${world.inNamespace('events', other.groupVersion)}/one`);
  assert.equal(there[other.text], updated[kind.text]);
  assert.equal(there.series.count, 100);

  await api.delete(`${path}/one`);
  assert.equal((await api.get(`${path}?${selector}`)).items.length, 0);
  assert.equal((await api.get(`${everywhere(kind)}?${selector}`)).items.length, 0);
}

async function deleteMany(kind: Kind, world: World): Promise<void> {
  const { api } = world;
  const path = world.inNamespace('events', kind.groupVersion);
  const selector = `labelSelector=${encodeURIComponent(`testevent-set=${world.namespace}`)}`;
  for (const name of ['test-event-1', 'test-event-2', 'test-event-3']) await api.create(path, kind.make(world, name));
  assert.equal((await api.get(`${path}?${selector}`)).items.length, 3);
  await api.delete(`${path}?${selector}`);
  await eventually('all are gone', async () => (await api.get(`${path}?${selector}`)).items.length === 0);
}

export default function register({ conformance }: Suite): void {
  const [modern, core] = kinds as [Kind, Kind];
  conformance(
    '[sig-instrumentation] Events API should ensure that an event can be fetched, patched, deleted, and listed',
    world => manage(modern, world),
  );
  conformance('[sig-instrumentation] Events API should delete a collection of events', world =>
    deleteMany(modern, world),
  );
  conformance('[sig-instrumentation] Events should manage the lifecycle of an event', world => manage(core, world));
  conformance('[sig-instrumentation] Events should delete a collection of events', world => deleteMany(core, world));
}
