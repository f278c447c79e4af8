import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Node, Pod } from '#api';
import { resources } from '#api';
import { createFakeDeps, type FakeDeps, settle } from '#client/testing';
import { aPod } from '../testing.ts';
import { type Mirrors, startMirrors } from './mirror-pods.ts';

const ref = { namespace: 'default', name: 'web-node-1' };
const node = (): Node => ({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1', uid: 'node-uid' }, spec: {} });
const aStatic = (hash: string): Pod =>
  aPod({}, { metadata: { name: ref.name, uid: hash, annotations: { 'kubernetes.io/config.hash': hash } } });

let deps: FakeDeps;
let statics: Pod[];
let mirrors: Mirrors;
let stack: AsyncDisposableStack;
beforeEach(() => {
  deps = createFakeDeps([node()]);
  statics = [];
  const [pods, nodes] = [deps.informers.of(resources.pods), deps.informers.of(resources.nodes)];
  stack = new AsyncDisposableStack();
  stack.use(deps);
  mirrors = stack.use(startMirrors({ ...deps, pods, statics: () => statics, node: () => nodes.list()[0] }));
  stack.use(pods.onChange(({ object }) => mirrors.check(object)));
});
afterEach(() => stack.disposeAsync());

/** Lets work end that is tried again after a while. */
async function pass(seconds = 2): Promise<void> {
  for (let step = 0; step < seconds * 10; step++) {
    await settle();
    deps.clock.advance(100);
  }
  await settle();
}
const mirror = () => deps.client.peek(resources.pods, ref);
const hashOf = (pod: Pod | undefined) => pod?.metadata.annotations?.['kubernetes.io/config.mirror'];
async function show(...pods: Pod[]): Promise<void> {
  statics = pods;
  mirrors.checkAll();
  await pass();
}

test('a static pod has a mirror of its hash, owned by the node; a changed one gets another, and a gone one none', async () => {
  await show(aStatic('one'));
  assert.equal(hashOf(mirror()), 'one');
  assert.deepEqual(mirror()?.metadata.ownerReferences, [
    { apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: 'node-uid', controller: true },
  ]);
  const { uid } = mirror()!.metadata;
  await show(aStatic('two'));
  assert.equal(hashOf(mirror()), 'two');
  assert.notEqual(mirror()?.metadata.uid, uid);
  await show();
  assert.equal(mirror(), undefined);
});

test('what the API server refuses for a moment is asked again, though nothing else happens', async () => {
  let refusals = 2;
  deps.client.refuse(({ resource }) => {
    if (resource !== 'pods' || refusals-- <= 0) return undefined;
    return new Error('the API server is busy');
  });
  await show(aStatic('one'));
  assert.equal(hashOf(mirror()), 'one');
  refusals = 2;
  await show();
  assert.equal(mirror(), undefined);
});

test('a mirror that is being deleted goes at once and comes again', async () => {
  await show(aStatic('one'));
  const { uid } = mirror()!.metadata;
  await deps.client.delete(resources.pods, ref, { gracePeriodSeconds: 30 });
  await pass();
  assert.equal(hashOf(mirror()), 'one');
  assert.notEqual(mirror()?.metadata.uid, uid);
});

test('without the node at the API server there is no mirror, and its arrival is what makes one', async () => {
  await deps.client.delete(resources.nodes, { name: 'node-1' });
  await show(aStatic('one'));
  assert.equal(mirror(), undefined);
  await deps.client.create(resources.nodes, node());
  await show(...statics);
  assert.equal(hashOf(mirror()), 'one');
});

test('a pod of the same name that is no mirror is left alone', async () => {
  deps.client.seed(aPod({ nodeName: 'node-2' }, { metadata: { name: ref.name, uid: 'other' } }));
  await show(aStatic('one'));
  assert.equal(mirror()?.metadata.uid, 'other');
});
