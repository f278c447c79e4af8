/** test/e2e/apimachinery/namespace.go says what is demanded. */
import assert from 'node:assert/strict';
import type { Suite, World } from '../suite.ts';
import { eventually } from '../suite.ts';

const group = '[sig-api-machinery] Namespaces [Serial]';

/** Another namespace than the test's own; the test may delete it. */
async function another(world: World): Promise<{ name: string; path: string }> {
  const name = world.unique('other');
  await world.api.create('/api/v1/namespaces', { metadata: { name } });
  const path = `/api/v1/namespaces/${name}`;
  world.cleanUp(() => world.api.send({ method: 'DELETE', path }));
  await eventually(
    'its account',
    async () => (await world.api.send({ path: `${path}/serviceaccounts/default` })).status === 200,
  );
  return { name, path };
}

async function deleteAndWait({ api }: World, path: string): Promise<void> {
  await api.delete(path);
  await eventually('the namespace is gone', async () => (await api.send({ path })).status === 404);
}

export default function register({ conformance }: Suite): void {
  conformance(`${group} should apply a finalizer to a Namespace`, async world => {
    const { api } = world;
    const { path } = await another(world);
    const finalizer = 'e2e.example.com/fakeFinalizer';
    const before = await api.get(path);
    const body = { ...before, spec: { finalizers: [...before.spec.finalizers, finalizer] } };
    const updated = await api.update(`${path}/finalize`, body);
    assert.ok(updated.spec.finalizers.includes(finalizer));
    const removed = await api.update(`${path}/finalize`, { ...updated, spec: { finalizers: before.spec.finalizers } });
    assert.deepEqual(removed.spec.finalizers, before.spec.finalizers);
  });

  conformance(`${group} should apply an update to a Namespace`, async world => {
    const { api } = world;
    const { path, name } = await another(world);
    const updated = await api.change(path, object => {
      object.metadata.labels[name] = 'updated';
    });
    assert.equal(updated.metadata.labels[name], 'updated');
  });

  conformance(`${group} should apply changes to a namespace status`, async world => {
    const { api } = world;
    const { path } = await another(world);
    assert.equal((await api.get(`${path}/status`)).status.phase, 'Active');
    const condition = (type: string) => ({ type, status: 'True', reason: 'E2E', message: 'Set by a test' });
    const patched = await api.patch(`${path}/status`, { status: { conditions: [condition('StatusPatch')] } });
    assert.deepEqual(
      patched.status.conditions.map((one: { type: string }) => one.type),
      ['StatusPatch'],
    );
    const now = await api.get(`${path}/status`);
    now.status.conditions.push(condition('StatusUpdate'));
    const updated = await api.update(`${path}/status`, now);
    assert.deepEqual(
      updated.status.conditions.map((one: { reason: string }) => one.reason),
      ['E2E', 'E2E'],
    );
  });

  conformance(`${group} should ensure that all pods are removed when a namespace is deleted`, async world => {
    const { api } = world;
    const { path, name } = await another(world);
    const containers = [{ name: 'nginx', image: 'registry.invalid/pause:1' }];
    await api.create(`${path}/pods`, { metadata: { name: 'test-pod' }, spec: { containers } });
    await deleteAndWait(world, path);
    await api.create('/api/v1/namespaces', { metadata: { name } });
    assert.deepEqual((await api.get(`${path}/pods`)).items, []);
  });

  conformance(`${group} should ensure that all services are removed when a namespace is deleted`, async world => {
    const { api } = world;
    const { path, name } = await another(world);
    const spec = { selector: { a: 'b' }, ports: [{ port: 80, targetPort: 80 }] };
    await api.create(`${path}/services`, { metadata: { name: 'test-service' }, spec });
    await deleteAndWait(world, path);
    await api.create('/api/v1/namespaces', { metadata: { name } });
    assert.equal((await api.send({ path: `${path}/services/test-service` })).status, 404);
  });

  conformance(`${group} should patch a Namespace`, async world => {
    const { path } = await another(world);
    await world.api.patch(path, { metadata: { labels: { testLabel: 'testValue' } } }, 'strategic');
    assert.equal((await world.api.get(path)).metadata.labels.testLabel, 'testValue');
  });

  conformance(
    '[sig-api-machinery] OrderedNamespaceDeletion namespace deletion should delete pod first',
    async world => {
      const { api } = world;
      const { path } = await another(world);
      const finalizers = ['e2e.example.com/finalizer'];
      const containers = [{ name: 'nginx', image: 'registry.invalid/pause:1' }];
      await api.create(`${path}/pods`, { metadata: { name: 'held', finalizers }, spec: { containers } });
      await api.create(`${path}/configmaps`, { metadata: { name: 'later' } });
      await api.delete(path);
      await eventually(
        'the pod is being deleted',
        async () => (await api.get(`${path}/pods/held`)).metadata.deletionTimestamp,
      );
      const isTold = async () =>
        (await api.get(path)).status.conditions?.some(
          (one: { type: string; status: string }) =>
            one.type === 'NamespaceFinalizersRemaining' && one.status === 'True',
        );
      await eventually('the namespace says what it waits for', isTold);
      assert.equal((await api.send({ path: `${path}/configmaps/later` })).status, 200);
      await api.patch(`${path}/pods/held`, { metadata: { finalizers: null } });
      await eventually('the namespace is gone', async () => (await api.send({ path })).status === 404);
    },
  );
}
