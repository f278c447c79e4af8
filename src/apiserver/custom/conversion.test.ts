import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestCertificates } from '#wire/testing';
import type { TestServer } from '../testing.ts';
import { startTestApiServer } from '../testing.ts';
import type { Answer, ReceivedCall, TestWebhook } from '../webhook/testing.ts';
import { startTestWebhook } from '../webhook/testing.ts';
import { define, definitionOf, definitionsPath, untilDefinition, versionOf } from './testing.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every kind.
type Json = any;

const at = (version: string) => `/apis/example.com/${version}/namespaces/default/widgets`;
const widget = (version: string, name: string, more: object = {}) => ({
  apiVersion: `example.com/${version}`,
  kind: 'Widget',
  metadata: { name },
  ...more,
});
const merge = { 'content-type': 'application/merge-patch+json' };

/** v1 has `hostPort`, v2 has `host` and `port`. */
function convert(object: Json, desired: string): Json {
  const { hostPort, host, port, ...rest } = object;
  if (desired === 'example.com/v2') {
    const [h, p] = (hostPort ?? ':').split(':');
    return { ...rest, apiVersion: desired, host: h, port: p };
  }
  return { ...rest, apiVersion: desired, hostPort: `${host ?? ''}:${port ?? ''}` };
}

const converting: Answer = ({ body }) => {
  const { uid, objects, desiredAPIVersion } = body.request;
  const convertedObjects = objects.map((object: Json) => convert(object, desiredAPIVersion));
  return {
    kind: body.kind,
    apiVersion: body.apiVersion,
    response: { uid, convertedObjects, result: { status: 'Success' } },
  };
};

async function withWebhook(
  answer: Answer,
  run: (api: TestServer, webhook: TestWebhook, definition: Json) => Promise<void>,
): Promise<void> {
  const { tls } = await createTestCertificates();
  await using webhook = await startTestWebhook(tls, answer);
  await using api = await startTestApiServer();
  const definition = definitionOf({
    versions: [versionOf('v1', { storage: true }), versionOf('v2')],
    conversion: {
      strategy: 'Webhook',
      webhook: {
        clientConfig: { url: `${webhook.url}/convert`, caBundle: Buffer.from(tls.ca).toString('base64') },
        conversionReviewVersions: ['v1', 'v1beta1'],
      },
    },
  });
  await define(api, definition);
  await run(api, webhook, definition);
}

async function setStorage(api: TestServer, version: string): Promise<void> {
  const { json } = await api.call('GET', `${definitionsPath}/widgets.example.com`);
  for (const one of json.spec.versions) one.storage = one.name === version;
  const put = await api.call('PUT', `${definitionsPath}/widgets.example.com`, { body: json });
  assert.equal(put.status, 200, put.text);
}

test('without a webhook another version is another name, and fields that it does not have are dropped', async () => {
  await using api = await startTestApiServer();
  const only = (field: string) => ({
    schema: {
      openAPIV3Schema: { type: 'object', properties: { both: { type: 'string' }, [field]: { type: 'string' } } },
    },
  });
  await define(
    api,
    definitionOf({ versions: [versionOf('v1', { storage: true, ...only('one') }), versionOf('v2', only('two'))] }),
  );
  await api.call('POST', at('v1'), { body: widget('v1', 'a', { both: 'b', one: '1' }) });
  const { apiVersion, both, one } = (await api.call('GET', `${at('v2')}/a`)).json;
  assert.deepEqual([apiVersion, both, one], ['example.com/v2', 'b', undefined]);
  using watch = api.watch(`${at('v2')}?watch=true`);
  assert.equal((await watch.next()).object.apiVersion, 'example.com/v2');
  const patched = await api.call('PATCH', `${at('v2')}/a`, { body: { both: 'c' }, headers: merge });
  assert.equal(patched.json.apiVersion, 'example.com/v2', patched.text);
  assert.equal((await watch.next()).object.both, 'c');
});

test('after a change of the storage version old objects are read as before and rewritten when they are written', async () => {
  await using api = await startTestApiServer();
  await define(api, definitionOf({ versions: [versionOf('v1', { storage: true }), versionOf('v2')] }));
  await api.call('POST', at('v1'), { body: widget('v1', 'a', { x: 1 }) });
  await setStorage(api, 'v2');
  const { status } = await untilDefinition(
    api,
    'widgets.example.com',
    ({ status }) => status.storedVersions.length === 2,
  );
  assert.deepEqual(status.storedVersions, ['v1', 'v2']);
  const stored = async () => {
    const [entry] = (await api.store.list({ prefix: '/registry/example.com/widgets/', limit: 5 })).entries;
    return JSON.parse(Buffer.from(entry!.value).toString()).apiVersion;
  };
  assert.equal(await stored(), 'example.com/v1');
  const { json } = await api.call('GET', `${at('v1')}/a`);
  assert.equal((await api.call('PUT', `${at('v1')}/a`, { body: json })).status, 200);
  assert.equal(await stored(), 'example.com/v2');
  assert.equal((await api.call('GET', `${at('v1')}/a`)).json.x, 1);
});

test('a new default is seen in objects that were stored before', async () => {
  await using api = await startTestApiServer();
  const withDefault = (more: object) => ({
    schema: { openAPIV3Schema: { type: 'object', properties: { color: { type: 'string', ...more } } } },
  });
  await define(api, definitionOf({ versions: [versionOf('v1', { storage: true, ...withDefault({}) })] }));
  await api.call('POST', at('v1'), { body: widget('v1', 'a') });
  const { json } = await api.call('GET', `${definitionsPath}/widgets.example.com`);
  json.spec.versions[0].schema = withDefault({ default: 'red' }).schema;
  await api.call('PUT', `${definitionsPath}/widgets.example.com`, { body: json });
  assert.equal((await api.call('GET', `${at('v1')}/a`)).json.color, 'red');
  assert.equal((await api.call('GET', at('v1'))).json.items[0].color, 'red');
});

test('a webhook converts what is read, written and watched', async () => {
  await withWebhook(converting, async (api, webhook) => {
    const made = await api.call('POST', at('v1'), { body: widget('v1', 'a', { hostPort: 'h:1' }) });
    assert.equal(made.status, 201, made.text);
    assert.equal(webhook.received.length, 0);
    const read = (await api.call('GET', `${at('v2')}/a`)).json;
    assert.deepEqual([read.apiVersion, read.host, read.port], ['example.com/v2', 'h', '1']);
    assert.equal(read.metadata.resourceVersion, made.json.metadata.resourceVersion);
    assert.equal(webhook.received[0]!.path, '/convert?timeout=30s');
    assert.deepEqual(
      [webhook.received[0]!.body.apiVersion, webhook.received[0]!.body.request.desiredAPIVersion],
      ['apiextensions.k8s.io/v1', 'example.com/v2'],
    );
    using watch = api.watch(`${at('v2')}?watch=true&resourceVersion=${read.metadata.resourceVersion}`);
    const put = await api.call('PUT', `${at('v2')}/a`, { body: { ...read, port: '2' } });
    assert.deepEqual([put.status, put.json.port], [200, '2'], put.text);
    const event = await watch.next();
    assert.deepEqual([event.type, event.object.port], ['MODIFIED', '2']);
    assert.equal((await api.call('GET', `${at('v1')}/a`)).json.hostPort, 'h:2');
    const patched = await api.call('PATCH', `${at('v2')}/a`, { body: { host: 'g' }, headers: merge });
    assert.deepEqual([patched.json.host, patched.json.port], ['g', '2'], patched.text);
    await watch.next();
    await api.call('DELETE', `${at('v1')}/a`);
    const gone = await watch.next();
    assert.deepEqual([gone.type, gone.object.host], ['DELETED', 'g']);
  });
});

test('a list of objects in several versions is converted in one call', async () => {
  await withWebhook(converting, async (api, webhook) => {
    for (const name of ['a', 'b']) {
      await api.call('POST', at('v1'), { body: widget('v1', name, { hostPort: `${name}:1` }) });
    }
    await setStorage(api, 'v2');
    await api.call('POST', at('v2'), { body: widget('v2', 'c', { host: 'c', port: '1' }) });
    const before = webhook.received.length;
    const v2 = (await api.call('GET', at('v2'))).json;
    assert.deepEqual(
      v2.items.map((item: Json) => [item.apiVersion, item.host]),
      ['a', 'b', 'c'].map(name => ['example.com/v2', name]),
    );
    const objects = ({ body }: ReceivedCall) => body.request.objects.map((object: Json) => object.metadata.name);
    assert.deepEqual(webhook.received.slice(before).map(objects), [['a', 'b']]);
    const v1 = (await api.call('GET', at('v1'))).json;
    assert.deepEqual(
      v1.items.map((item: Json) => item.hostPort),
      ['a:1', 'b:1', 'c:1'],
    );
  });
});

test('owners of fields in several versions are kept', async () => {
  await withWebhook(converting, async api => {
    const apply = (version: string, manager: string, fields: object) =>
      api.call('PATCH', `${at(version)}/a?fieldManager=${manager}`, {
        body: widget(version, 'a', fields),
        headers: { 'content-type': 'application/apply-patch+yaml' },
      });
    assert.equal((await apply('v1', 'one', { hostPort: 'h:1' })).status, 201);
    const conflict = await apply('v2', 'two', { host: 'g' });
    assert.equal(conflict.status, 409, conflict.text);
    assert.match(conflict.json.message, /conflicts? with "one"/);
    const other = await apply('v2', 'two', { extra: 'x' });
    assert.equal(other.status, 200, other.text);
    assert.deepEqual(
      other.json.metadata.managedFields.map((entry: Json) => [entry.manager, entry.apiVersion]),
      [
        ['one', 'example.com/v1'],
        ['two', 'example.com/v2'],
      ],
    );
  });
});

const broken: readonly (readonly [string, (review: Json) => Json, RegExp])[] = [
  [
    'says so',
    ({ uid }) => ({ uid, result: { status: 'Failure', message: 'no way' } }),
    /^conversion webhook for example\.com\/v1, Kind=Widget failed: no way$/,
  ],
  [
    'answers another question',
    () => ({ uid: 'x', convertedObjects: [], result: { status: 'Success' } }),
    /^conversion webhook for example\.com\/v1, Kind=Widget failed: expected response\.uid="[^"]+", got "x"$/,
  ],
  [
    'returns too little',
    ({ uid }) => ({ uid, convertedObjects: [], result: { status: 'Success' } }),
    /^conversion webhook for example\.com\/v1, Kind=Widget returned 0 objects, expected 1$/,
  ],
  [
    'changes the name',
    ({ uid, objects: [object], desiredAPIVersion: apiVersion }) => ({
      uid,
      convertedObjects: [{ ...object, apiVersion, metadata: { ...object.metadata, name: 'b' } }],
      result: { status: 'Success' },
    }),
    /^conversion webhook for example\.com\/v1, Kind=Widget returned invalid object: must have the same name: a != b$/,
  ],
  [
    'returns the old version',
    ({ uid, objects }) => ({ uid, convertedObjects: objects, result: { status: 'Success' } }),
    /returned invalid object at index 0: invalid groupVersion \(expected example\.com\/v2, received example\.com\/v1\)$/,
  ],
];

for (const [what, respond, message] of broken) {
  test(`a conversion webhook that ${what} fails the request`, async () => {
    const answer: Answer = ({ body }) => ({ ...body, response: respond(body.request) });
    await withWebhook(answer, async api => {
      await api.call('POST', at('v1'), { body: widget('v1', 'a') });
      const { status, json } = await api.call('GET', `${at('v2')}/a`);
      assert.deepEqual([status, json.reason], [500, undefined]);
      assert.match(json.message, message);
      assert.match((await api.call('GET', at('v2'))).json.message, message);
      using watch = api.watch(`${at('v2')}?watch=true`);
      assert.equal((await watch.next()).type, 'ERROR');
      const { text } = await api.call('GET', '/metrics');
      assert.match(
        text,
        /^apiserver_conversion_webhook_request_total\{result="failure",failure_type="conversion_webhook_\w+_failure"\} 3$/m,
      );
      assert.equal((await api.call('GET', `${at('v1')}/a`)).status, 200);
    });
  });
}

test('labels and annotations may be converted, other metadata may not', async () => {
  const answer: Answer = call => {
    const answered = converting(call, undefined as never) as Json;
    for (const object of answered.response.convertedObjects) {
      object.metadata = { ...object.metadata, labels: { converted: 'yes' }, generation: 77, finalizers: ['a/b'] };
    }
    return answered;
  };
  await withWebhook(answer, async api => {
    await api.call('POST', at('v1'), { body: widget('v1', 'a') });
    const { metadata } = (await api.call('GET', `${at('v2')}/a`)).json;
    assert.deepEqual([metadata.labels, metadata.generation, metadata.finalizers], [{ converted: 'yes' }, 1, undefined]);
  });
});

test('a webhook that is not there says where it was looked for', async () => {
  await using api = await startTestApiServer();
  const service = { namespace: 'default', name: 'converter', path: '/c' };
  const conversion = { strategy: 'Webhook', webhook: { clientConfig: { service }, conversionReviewVersions: ['v1'] } };
  await define(api, definitionOf({ versions: [versionOf('v1', { storage: true }), versionOf('v2')], conversion }));
  await api.call('POST', at('v1'), { body: widget('v1', 'a') });
  assert.equal(
    (await api.call('GET', `${at('v2')}/a`)).json.message,
    'conversion webhook for example.com/v1, Kind=Widget failed: Post "https://converter.default.svc:443/c?timeout=30s": service "converter" not found',
  );
  await api.call('DELETE', `${definitionsPath}/widgets.example.com`);
});
