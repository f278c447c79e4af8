import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject, Pod } from '#api';
import { resources } from '#api';
import type { DiscoveredResource } from '../config.ts';
import { startTestControllers } from '../testing.ts';
import { namespace } from './controller.ts';

const { namespaces, pods, configmaps, secrets } = resources;
const verbs = ['list', 'delete', 'deletecollection'];
const discovered = [
  { ...pods, verbs },
  { ...configmaps, verbs },
  { ...secrets, verbs: ['list', 'delete'] },
] as unknown as DiscoveredResource[];
const discover = async () => ({ resources: discovered, stale: [] });

const ns = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'dev' }, spec: { finalizers: ['kubernetes'] } };
const object = (kind: string, more: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  ...{ apiVersion: 'v1', kind, metadata: { namespace: 'dev', name: 'a', ...more } },
});

test('a deleted namespace is emptied and goes', async () => {
  const other = object('ConfigMap', { namespace: 'other' });
  const objects = [ns, object('ConfigMap'), object('Secret'), { ...object('Pod'), spec: { containers: [] } }, other];
  await using deps = await startTestControllers([namespace], objects, { discover });
  assert.ok(deps.client.peek(namespaces, { name: 'dev' }));
  await deps.client.delete(namespaces, { name: 'dev' });
  await deps.settle();
  assert.equal(deps.client.peek(namespaces, { name: 'dev' }), undefined);
  assert.deepEqual(
    deps.client.peekAll(configmaps).map(({ metadata }) => metadata.namespace),
    ['other'],
  );
  assert.equal(deps.client.peekAll(secrets).length, 0);
});

test('what pods need stays until they have ended, and the conditions tell what remains', async () => {
  const pod: Pod = { ...object('Pod'), spec: { containers: [], nodeName: 'n' } };
  await using deps = await startTestControllers([namespace], [ns, pod, object('ConfigMap')], { discover });
  await deps.client.delete(namespaces, { name: 'dev' });
  await deps.settle();
  assert.equal(deps.client.peekAll(configmaps).length, 1);
  const conditions = deps.client.peek(namespaces, { name: 'dev' })?.status?.conditions;
  assert.deepEqual(
    conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`),
    [
      'NamespaceDeletionDiscoveryFailure=False ResourcesDiscovered',
      'NamespaceDeletionGroupVersionParsingFailure=False ParsedGroupVersions',
      'NamespaceDeletionContentFailure=False ContentDeleted',
      'NamespaceContentRemaining=True SomeResourcesRemain',
      'NamespaceFinalizersRemaining=False ContentHasNoFinalizers',
    ],
  );
  assert.equal(conditions?.[3]?.message, 'Some resources are remaining: pods. has 1 resource instances');
  await deps.client.delete(pods, pod.metadata, { gracePeriodSeconds: 0 });
  await deps.settle();
  assert.equal(deps.client.peek(namespaces, { name: 'dev' }), undefined);
});

test('an object held by a finalizer holds its namespace, which says so', async () => {
  const held = object('ConfigMap', { finalizers: ['example.com/wait'] });
  await using deps = await startTestControllers([namespace], [ns, held], { discover });
  await deps.client.delete(namespaces, { name: 'dev' });
  await deps.settle();
  const message = deps.client.peek(namespaces, { name: 'dev' })?.status?.conditions?.[4]?.message;
  assert.equal(
    message,
    'Some content in the namespace has finalizers remaining: example.com/wait in 1 resource instances',
  );
  await deps.client.patch(configmaps, held.metadata, { type: 'merge', body: { metadata: { finalizers: null } } });
  await deps.clock.advance(20_000);
  await deps.settle();
  assert.equal(deps.client.peek(namespaces, { name: 'dev' }), undefined);
});

test('a namespace does not go while discovery fails', async () => {
  const failing = async () => Promise.reject(new Error('metrics.k8s.io/v1beta1: stale'));
  await using deps = await startTestControllers([namespace], [ns], { discover: failing });
  await deps.client.delete(namespaces, { name: 'dev' });
  await deps.settle();
  const [condition] = deps.client.peek(namespaces, { name: 'dev' })?.status?.conditions ?? [];
  assert.deepEqual([condition?.status, condition?.reason], ['True', 'DiscoveryFailed']);
});

test('what is known of goes while a group does not answer, and the namespace waits', async () => {
  const discoverPart = async () => ({ resources: discovered, stale: ['metrics.k8s.io/v1beta1'] });
  await using deps = await startTestControllers([namespace], [ns, object('ConfigMap')], { discover: discoverPart });
  await deps.client.delete(namespaces, { name: 'dev' });
  await deps.settle();
  assert.deepEqual(deps.client.peekAll(resources.configmaps), []);
  const [condition] = deps.client.peek(namespaces, { name: 'dev' })?.status?.conditions ?? [];
  assert.equal(
    condition?.message,
    'Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: ' +
      'metrics.k8s.io/v1beta1: stale GroupVersion discovery: metrics.k8s.io/v1beta1',
  );
});
