/** test/e2e/apimachinery/custom_resource_definition.go, crd_watch.go and crd_conversion_webhook.go say what is demanded. */
import assert from 'node:assert/strict';
import type { Json } from '../api.ts';
import { anything, define, definitionOf, definitions } from '../definitions.ts';
import type { Suite, World } from '../suite.ts';
import { eventually } from '../suite.ts';
import { startWebhook } from '../webhook.ts';
import { checkDiscovery } from './operations.ts';

const group = '[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin]';
const conversion = '[sig-api-machinery] CustomResourceConversionWebhook [Privileged:ClusterAdmin]';

export default function register({ conformance }: Suite): void {
  conformance(
    '[sig-api-machinery] CustomResourceDefinition Watch [Privileged:ClusterAdmin] CustomResourceDefinition Watch watch on custom resource definition objects',
    async world => {
      const { collection, object } = await define(world, 'noxu', { scope: 'Cluster' });
      const path = collection();
      for (const name of ['name1', 'name2']) {
        using watch = await world.api.watch(`${path}?fieldSelector=metadata.name%3D${name}`);
        await world.api.create(path, object(name, { content: { key: 'value' } }));
        assert.equal((await watch.next()).type, 'ADDED');
        await world.api.patch(`${path}/${name}`, { num: { num1: 1 } });
        assert.equal((await watch.next()).type, 'MODIFIED');
        await world.api.delete(`${path}/${name}`);
        assert.equal((await watch.next()).type, 'DELETED');
      }
    },
  );

  conformance(
    `${group} Simple CustomResourceDefinition creating/deleting custom resource definition objects works`,
    async world => {
      const { path } = await define(world, 'simple');
      await world.api.delete(path);
      await eventually('it is gone', async () => (await world.api.send({ path })).status === 404);
    },
  );

  conformance(
    `${group} Simple CustomResourceDefinition listing custom resource definition objects works`,
    async world => {
      const labels = { 'e2e-list-test-uuid': world.namespace };
      for (let index = 0; index < 10; index++) {
        const { body } = definitionOf(world, `listed${index}x`, { labels });
        await world.api.create(definitions, body);
      }
      const selector = `labelSelector=${encodeURIComponent(`e2e-list-test-uuid=${world.namespace}`)}`;
      assert.equal((await world.api.get(`${definitions}?${selector}`)).items.length, 10);
      await world.api.delete(`${definitions}?${selector}`);
      await eventually(
        'all are gone',
        async () => (await world.api.get(`${definitions}?${selector}`)).items.length === 0,
      );
    },
  );

  conformance(
    `${group} Simple CustomResourceDefinition getting/updating/patching custom resource definition status sub-resource works`,
    async world => {
      const { path } = await define(world, 'simple');
      const conditions = (status: Json, message: string): Json[] => [
        ...(status.conditions ?? []),
        { type: 'StatusUpdate', status: 'True', reason: 'E2E', message },
      ];
      const now = await world.api.get(`${path}/status`);
      now.status.conditions = conditions(now.status, 'updated');
      // The server's own controllers write the status too.
      const updated = await eventually('the update is taken', async () => {
        const current = await world.api.get(path);
        current.status.conditions = conditions(current.status, 'updated');
        const answer = await world.api.send({ method: 'PUT', path: `${path}/status`, body: current });
        return answer.status === 200 && answer.body;
      });
      assert.ok(updated.status.conditions.some((one: Json) => one.message === 'updated'));
      const patched = await world.api.patch(`${path}/status`, {
        metadata: { annotations: { patched: 'true' } },
        status: { conditions: conditions({}, 'patched') },
      });
      assert.ok(patched.status.conditions.some((one: Json) => one.message === 'patched'));
    },
  );

  conformance(`${group} custom resource defaulting for requests and from storage works`, defaulting);

  conformance(`${group} should include custom resource definition resources in discovery documents`, world =>
    checkDiscovery(world, {
      ...{ group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions', object: () => ({}) },
    }),
  );

  conformance(
    '[sig-api-machinery] CustomResourceFieldSelectors [Privileged:ClusterAdmin] CustomResourceFieldSelectors MUST list and watch custom resources matching the field selector',
    fieldSelectors,
  );

  conformance(`${conversion} should be able to convert from CR v1 to CR v2`, async world => {
    const { collection, object } = await converted(world);
    await world.api.create(collection('v1'), object('name-v1', { hostPort: 'localhost:8080' }, 'v1'));
    const v2 = await world.api.get(`${collection('v2')}/name-v1`);
    assert.deepEqual(
      [v2.apiVersion.endsWith('/v2'), v2.host, v2.port, v2.hostPort],
      [true, 'localhost', '8080', undefined],
    );
  });

  conformance(`${conversion} should be able to convert a non homogeneous list of CRs`, async world => {
    const { path, collection, object } = await converted(world);
    await world.api.create(collection('v1'), object('name-v1', { hostPort: 'localhost:8080' }, 'v1'));
    const store = (index: number, storage: boolean) => ({
      op: 'replace',
      path: `/spec/versions/${index}/storage`,
      value: storage,
    });
    await world.api.patch(path, [store(0, false), store(1, true)], 'json');
    await world.api.create(collection('v2'), object('name-v2', { host: 'localhost', port: '9090' }, 'v2'));
    const ports = async (version: string, field: string) =>
      (await world.api.get(collection(version))).items.map(
        (item: Json) => `${item.apiVersion.split('/')[1]} ${item[field]}`,
      );
    assert.deepEqual(await ports('v2', 'port'), ['v2 8080', 'v2 9090']);
    assert.deepEqual(await ports('v1', 'hostPort'), ['v1 localhost:8080', 'v1 localhost:9090']);
  });
}

/** Fields that differ between versions: the webhook converts, and each version selects by its own. */
async function fieldSelectors(world: World): Promise<void> {
  const { path, collection, object } = await converted(world);
  const strings = (...names: string[]): Json => ({
    type: 'object',
    properties: Object.fromEntries(names.map(name => [name, { type: 'string' }])),
  });
  const change = (index: number, field: string, value: Json) => ({
    op: 'add',
    path: `/spec/versions/${index}/${field}`,
    value,
  });
  await world.api.patch(
    path,
    [
      change(0, 'schema', { openAPIV3Schema: strings('hostPort') }),
      change(0, 'selectableFields', [{ jsonPath: '.hostPort' }]),
      change(1, 'schema', { openAPIV3Schema: strings('host', 'port') }),
      change(1, 'selectableFields', [{ jsonPath: '.host' }, { jsonPath: '.port' }]),
    ],
    'json',
  );
  const select = (version: string, fields: string) =>
    `${collection(version)}?fieldSelector=${encodeURIComponent(fields)}`;
  await eventually(
    'the fields can be selected by',
    async () => (await world.api.send({ path: select('v2', 'host=h1') })).status === 200,
  );
  using v1 = await world.api.watch(select('v1', 'hostPort=h1:80'));
  using v2 = await world.api.watch(select('v2', 'host=h1,port=80'));
  for (const [index, hostPort] of ['h1:80', 'h1:81', 'h2:80'].entries()) {
    await world.api.create(collection('v1'), object(`name-${index}`, { hostPort }, 'v1'));
  }
  const names = async (query: string) => (await world.api.get(query)).items.map((item: Json) => item.metadata.name);
  assert.deepEqual(await names(select('v1', 'hostPort=h1:80')), ['name-0']);
  assert.deepEqual(await names(select('v2', 'host=h1')), ['name-0', 'name-1']);
  assert.deepEqual(await names(select('v2', 'host=h1,port=80')), ['name-0']);
  for (const watch of [v1, v2]) assert.equal((await watch.next()).type, 'ADDED');
  // Away from the selection and back, and another one deleted that was never in it.
  await world.api.patch(`${collection('v2')}/name-0`, { port: '90' });
  for (const watch of [v1, v2]) assert.equal((await watch.next()).type, 'DELETED');
  await world.api.delete(`${collection('v1')}/name-1`);
  await world.api.patch(`${collection('v1')}/name-2`, { hostPort: 'h1:80' });
  for (const watch of [v1, v2]) {
    const event = await watch.next();
    assert.deepEqual([event.type, event.object.metadata.name], ['ADDED', 'name-2']);
  }
  await world.api.delete(select('v2', 'host=h1'));
  assert.deepEqual(await names(collection('v2')), []);
}

async function defaulting(world: World): Promise<void> {
  const schema = (defaults: Record<string, string>): Json => ({
    type: 'object',
    properties: Object.fromEntries(
      ['a', 'b'].map(name => [name, { type: 'string', ...(defaults[name] ? { default: defaults[name] } : {}) }]),
    ),
  });
  const { path, collection, object } = await define(world, 'defaulted', { versions: { v1: schema({}) } });
  const setSchema = (defaults: Record<string, string>) =>
    world.api.patch(
      path,
      [{ op: 'replace', path: '/spec/versions/0/schema/openAPIV3Schema', value: schema(defaults) }],
      'json',
    );
  const one = `${collection()}/one`;
  assert.equal((await world.api.create(collection(), object('one'))).a, undefined);
  await setSchema({ a: 'A' });
  await eventually('the stored object shows the default', async () => (await world.api.get(one)).a === 'A');
  assert.deepEqual((await world.api.create(collection(), object('two'))).a, 'A');
  await setSchema({ b: 'B' });
  await eventually('it shows the other default', async () => (await world.api.get(one)).b === 'B');
  const two = await world.api.get(`${collection()}/two`);
  // What was stored by a default stays, what was only shown goes with it.
  assert.deepEqual([two.a, two.b], ['A', 'B']);
  assert.equal((await world.api.get(one)).a, undefined);
}

/** `hostPort: a:1` in v1 is `host: a` and `port: 1` in v2. */
function convert(object: Json, desired: string): Json {
  const { hostPort, host, port, ...rest } = object;
  const metadata = { ...rest.metadata };
  if (desired.endsWith('/v2')) {
    const [left, right] = hostPort === undefined ? [host, port] : hostPort.split(':');
    return { ...rest, metadata, apiVersion: desired, host: left, port: right };
  }
  return { ...rest, metadata, apiVersion: desired, hostPort: hostPort ?? `${host}:${port}` };
}

async function converted(world: World) {
  const webhook = await startWebhook(world, (_path, { objects, desiredAPIVersion }) => ({
    convertedObjects: objects.map((object: Json) => convert(object, desiredAPIVersion)),
    result: { status: 'Success' },
  }));
  const clientConfig = webhook.clientConfig('/crdconvert');
  const more = { conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig } } };
  return define(world, 'converted', { versions: { v1: anything, v2: anything }, more });
}
