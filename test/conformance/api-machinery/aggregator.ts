/** test/e2e/apimachinery/aggregator.go says what is demanded. Its sample API server is replaced by one of our own, over the same front proxy. */
import assert from 'node:assert/strict';
import { ownAddress, startExtensionServer } from '../../e2e/extension-server.ts';
import type { Json } from '../api.ts';
import type { Suite, World } from '../suite.ts';
import { eventually } from '../suite.ts';

const services = '/apis/apiregistration.k8s.io/v1/apiservices';
const name = 'v1.fruit.example.com';
const apples = '/apis/fruit.example.com/v1/namespaces/default/apples';

export default function register({ conformance }: Suite): void {
  conformance(
    '[sig-api-machinery] Aggregator Should be able to support the 1.17 Sample API Server using the current Aggregator [LinuxOnly]',
    async world => {
      const address = ownAddress();
      assert.ok(address, 'this test needs an address that is not loopback: endpoints may not be there');
      await serve(world, address);
      const { api } = world;
      const path = `${services}/${name}`;
      const isAvailable = async () =>
        (await api.get(`${path}/status`)).status.conditions?.some(
          (one: Json) => one.type === 'Available' && one.status === 'True',
        );
      await eventually('the group is available', isAvailable);
      await eventually('its objects are served', async () => (await api.send({ path: apples })).status === 200);

      const apple = (own: string) => ({ apiVersion: 'fruit.example.com/v1', kind: 'Apple', metadata: { name: own } });
      await api.create(apples, apple('red'));
      const names = async () => (await api.get(apples)).items.map((item: Json) => item.metadata.name);
      assert.deepEqual(await names(), ['red']);
      assert.equal((await api.get(`${apples}/red`)).kind, 'Apple');
      await api.delete(`${apples}/red`);
      assert.deepEqual(await names(), []);

      const patched = await api.patch(path, { spec: { versionPriority: 400 } });
      assert.equal(patched.spec.versionPriority, 400);
      const message = 'Set by a test';
      const condition = { type: 'StatusPatched', status: 'True', reason: 'E2E', message };
      const { status } = await api.get(`${path}/status`);
      const written = await api.patch(`${path}/status`, { status: { conditions: [...status.conditions, condition] } });
      assert.ok(written.status.conditions.some((one: Json) => one.message === message));
      const { items } = await api.get(services);
      assert.ok(items.some((item: Json) => item.metadata.name === name));
      await api.delete(path);
      await eventually('the group is served no more', async () => (await api.send({ path: apples })).status === 404);
    },
  );
}

/** The server, a Service that leads to it, and its registration. */
async function serve({ api, cleanUp }: World, address: string): Promise<void> {
  const { data } = await api.get('/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication');
  const names = JSON.parse(data['requestheader-allowed-names']);
  const extension = await startExtensionServer(address, { ca: data['requestheader-client-ca-file'], names });
  cleanUp(() => extension[Symbol.asyncDispose]());
  const [home, metadata] = ['/api/v1/namespaces/default', { name: 'fruit' }];
  cleanUp(() => api.delete(`${home}/services/fruit`));
  cleanUp(() => api.send({ method: 'DELETE', path: `${services}/${name}` }));
  const ports = [{ name: 'https', port: 443, targetPort: extension.port }];
  await api.create(`${home}/services`, { metadata, spec: { ports } });
  const subsets = [{ addresses: [{ ip: address }], ports: [{ name: 'https', port: extension.port }] }];
  await api.create(`${home}/endpoints`, { metadata, subsets });
  await api.create(services, {
    metadata: { name },
    spec: {
      ...{ group: 'fruit.example.com', version: 'v1', groupPriorityMinimum: 2000, versionPriority: 200 },
      service: { namespace: 'default', name: 'fruit' },
      caBundle: Buffer.from(extension.ca).toString('base64'),
    },
  });
}
