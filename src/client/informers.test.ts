import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap } from '#api';
import { resources } from '#api';
import type { InformerEvent } from './index.ts';
import { createFakeDeps, settle } from './testing.ts';

const configMap = (name: string, labels?: Record<string, string>): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'default', name, labels },
});
const ref = (name: string) => ({ namespace: 'default', name });
const told = (events: InformerEvent<ConfigMap>[]) => events.splice(0).map(e => `${e.type} ${e.object.metadata.name}`);

test('an informer lists, follows, and tells late listeners all that is known', async () => {
  await using deps = createFakeDeps([configMap('a')]);
  const informer = deps.informers.of(resources.configmaps);
  const events: InformerEvent<ConfigMap>[] = [];
  informer.onChange(event => events.push(event));
  await deps.informers.whenSynced();
  assert.deepEqual(told(events), ['added a']);
  await deps.client.create(resources.configmaps, configMap('b'));
  const b = await deps.client.get(resources.configmaps, ref('b'));
  await deps.client.update(resources.configmaps, { ...b, data: { x: '1' } });
  await deps.client.delete(resources.configmaps, ref('a'));
  await settle();
  assert.deepEqual(told(events), ['added b', 'updated b', 'deleted a']);
  informer.onChange(event => events.push(event));
  assert.deepEqual(told(events), ['added b']);
  assert.equal(informer.byUid(b.metadata.uid!)?.data?.['x'], '1');
});

test('an informer of ownership holds names, owners and what deletion waits for, and nothing else', async () => {
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' };
  const full = configMap('a', { app: 'web' });
  Object.assign(full.metadata, { annotations: { note: 'long' }, finalizers: ['x/y'], ownerReferences: [owner] });
  await using deps = createFakeDeps([{ ...full, data: { key: 'value' } }, configMap('b')]);
  const informer = deps.informers.of(resources.configmaps, { ownershipOnly: true });
  const other = deps.informers.of(resources.configmaps);
  assert.notEqual(informer, other);
  await deps.informers.whenSynced();
  const { uid, resourceVersion } = other.get('default', 'a')!.metadata;
  assert.deepEqual(informer.get('default', 'a'), {
    ...{ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' },
    metadata: { namespace: 'default', name: 'a', uid, resourceVersion, finalizers: ['x/y'], ownerReferences: [owner] },
  });
  assert.deepEqual(Object.keys(informer.get('default', 'b')!.metadata), [
    'namespace',
    'name',
    'uid',
    'resourceVersion',
  ]);
  await deps.client.delete(resources.configmaps, ref('a'));
  await settle();
  assert.ok(informer.get('default', 'a')?.metadata.deletionTimestamp);
  assert.equal(other.get('default', 'a')?.data?.['key'], 'value');
});

test('what an informer gives cannot be changed', async () => {
  await using deps = createFakeDeps([configMap('a', { app: 'web' })]);
  const informer = deps.informers.of(resources.configmaps);
  await deps.informers.whenSynced();
  assert.throws(() => (informer.get('default', 'a')!.metadata.labels!['app'] = 'x'), TypeError);
});

test('after an expired version the informer lists again and tells what changed in between, once', async () => {
  await using deps = createFakeDeps([configMap('a'), configMap('b')]);
  const informer = deps.informers.of(resources.configmaps);
  await deps.informers.whenSynced();
  await settle();
  const events: InformerEvent<ConfigMap>[] = [];
  informer.onChange(event => events.push(event));
  told(events);
  deps.client.closeWatches();
  await deps.client.delete(resources.configmaps, ref('a'));
  await deps.client.create(resources.configmaps, configMap('c'));
  deps.client.compact();
  await deps.clock.advance(2000);
  await settle();
  assert.deepEqual(told(events), ['deleted a', 'added c']);
});

test('a name that comes back with another uid is a deletion and an addition', async () => {
  await using deps = createFakeDeps([configMap('a')]);
  const informer = deps.informers.of(resources.configmaps);
  await deps.informers.whenSynced();
  const events: InformerEvent<ConfigMap>[] = [];
  await settle();
  informer.onChange(event => events.push(event));
  told(events);
  deps.client.closeWatches();
  await deps.client.delete(resources.configmaps, ref('a'));
  await deps.client.create(resources.configmaps, configMap('a'));
  deps.client.compact();
  await deps.clock.advance(2000);
  await settle();
  assert.deepEqual(told(events), ['deleted a', 'added a']);
});

test('asking twice gives one informer, and indexes find objects', async () => {
  await using deps = createFakeDeps([configMap('a', { app: 'x' }), configMap('b', { app: 'y' })]);
  const first = deps.informers.of(resources.configmaps);
  const indexes = { app: (object: ConfigMap) => [object.metadata.labels?.['app'] ?? ''] };
  const again = deps.informers.of(resources.configmaps, { indexes });
  assert.equal(first, again);
  await again.whenSynced();
  await settle();
  assert.equal(deps.client.openWatches(), 1);
  assert.deepEqual(
    first.byIndex('app', 'y').map(object => object.metadata.name),
    ['b'],
  );
  await deps.client.patch(resources.configmaps, ref('b'), {
    type: 'merge',
    body: { metadata: { labels: { app: 'x' } } },
  });
  await settle();
  assert.equal(first.byIndex('app', 'x').length, 2);
  assert.equal(first.byIndex('app', 'y').length, 0);
});

test('objects that leave the selection are deleted from a selecting informer', async () => {
  await using deps = createFakeDeps([configMap('a', { app: 'x' })]);
  const informer = deps.informers.of(resources.configmaps, { labelSelector: 'app=x' });
  await informer.whenSynced();
  await settle();
  await deps.client.patch(resources.configmaps, ref('a'), {
    type: 'merge',
    body: { metadata: { labels: { app: 'z' } } },
  });
  await settle();
  assert.deepEqual(informer.list(), []);
});

test('disposing ends the watches, and waiting for a sync that never came rejects', async () => {
  const deps = createFakeDeps();
  const informer = deps.informers.of(resources.configmaps);
  const waiting = informer.whenSynced();
  await deps.informers[Symbol.asyncDispose]();
  await assert.rejects(waiting, { message: 'the informers are disposed' });
  assert.equal(deps.client.openWatches(), 0);
  assert.equal(deps.clock.pending, 0);
});
