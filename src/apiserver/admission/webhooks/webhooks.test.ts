import assert from 'node:assert/strict';
import { test } from 'node:test';
import { behaviours, createScheme, resources } from '#api';
import { createMeter } from '#base';
import { createFakeClock, createFakeRandom, createRecordingLog } from '#base/testing';
import { createFakeReader } from '../../access/testing.ts';
import { createTestRequest, runPlugin } from '../testing.ts';
import { patchVerdict, startWebhookSetup, verdict } from './testing.ts';
import { createWebhookPlugins } from './webhook-plugins.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';

function configMap(name: string, fields: object = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...fields };
}

test('a refusal has the name of the webhook, and the code and details that it gave', async () => {
  await using setup = await startWebhookSetup(call => {
    const status: Record<string, unknown> = {
      '/plain': { message: 'not on my watch' },
      '/code': { code: 422, reason: 'Invalid', message: 'no', details: { causes: [{ field: 'data', message: 'x' }] } },
      '/reason': { reason: 'TooLate' },
      '/success': { code: 200, status: 'Success', message: 'fine' },
    };
    return verdict(call, { allowed: false, status: status[call.path.split('?')[0]!] });
  });
  const table: readonly [string, number, string][] = [
    ['plain', 400, 'denied the request: not on my watch'],
    ['code', 422, 'denied the request: no'],
    ['reason', 400, 'denied the request: TooLate'],
    ['success', 400, 'denied the request: fine'],
    ['silent', 400, 'denied the request without explanation'],
  ];
  for (const [name, code, message] of table) {
    await setup.configure('validating', name, { path: `/${name}` });
    const { json, status } = await setup.api.call('POST', configMaps, { body: configMap('x') });
    assert.deepEqual(
      [status, json.status, json.message],
      [code, 'Failure', `admission webhook "${name}.example.com" ${message}`],
    );
    if (name === 'code') assert.deepEqual(json.details, { causes: [{ field: 'data', message: 'x' }] });
    const path = `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${name}`;
    await setup.api.call('DELETE', path);
  }
  assert.equal((await setup.api.call('POST', configMaps, { body: configMap('x') })).status, 201);
});

test('the review says who writes what, where and how', async () => {
  await using setup = await startWebhookSetup(call => verdict(call, { allowed: true }));
  const operations = ['CREATE', 'UPDATE', 'DELETE'];
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations }];
  await setup.configure('validating', 'seen', { rules });
  const query = '?fieldManager=me&fieldValidation=Strict';
  await setup.api.call('POST', `${configMaps}${query}`, { body: configMap('x', { data: { a: '1' } }) });
  await setup.api.call('PATCH', `${configMaps}/x?dryRun=All`, {
    body: { data: { a: '2' } },
    headers: { 'content-type': 'application/merge-patch+json' },
  });
  await setup.api.call('DELETE', configMaps, { body: { gracePeriodSeconds: 0, propagationPolicy: 'Background' } });
  const [create, update, remove] = setup.webhook.received.map(({ body }) => body.request);
  assert.equal(setup.webhook.received[0]?.body.apiVersion, 'admission.k8s.io/v1');
  const { uid, object, ...rest } = create;
  assert.match(uid, /^[0-9a-f-]{36}$/);
  assert.deepEqual(rest, {
    kind: { group: '', version: 'v1', kind: 'ConfigMap' },
    resource: { group: '', version: 'v1', resource: 'configmaps' },
    requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
    requestResource: { group: '', version: 'v1', resource: 'configmaps' },
    name: 'x',
    namespace: 'default',
    operation: 'CREATE',
    userInfo: { username: 'test-admin', groups: ['system:masters', 'system:authenticated'] },
    oldObject: null,
    dryRun: false,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'me', fieldValidation: 'Strict' },
  });
  assert.deepEqual([object.kind, object.apiVersion, object.data], ['ConfigMap', 'v1', { a: '1' }]);
  assert.ok(object.metadata.uid && object.metadata.creationTimestamp && object.metadata.managedFields);
  assert.deepEqual([update.operation, update.dryRun], ['UPDATE', true]);
  assert.deepEqual([update.object.data, update.oldObject.data], [{ a: '2' }, { a: '1' }]);
  assert.deepEqual(update.options, { kind: 'UpdateOptions', apiVersion: 'meta.k8s.io/v1', dryRun: ['All'] });
  assert.deepEqual([remove.operation, remove.object, remove.oldObject.data], ['DELETE', null, { a: '1' }]);
  assert.deepEqual(remove.options, {
    kind: 'DeleteOptions',
    apiVersion: 'meta.k8s.io/v1',
    gracePeriodSeconds: 0,
    propagationPolicy: 'Background',
  });
});

test('a patch changes the object, which gets its shape and its defaults again', async () => {
  await using setup = await startWebhookSetup(call => {
    const add = (path: string, value: unknown) => ({ op: 'add', path, value });
    if (call.path.startsWith('/bad')) return patchVerdict(call, [{ op: 'replace', path: '/nowhere/x', value: 1 }]);
    if (call.path.startsWith('/shape')) return patchVerdict(call, [add('/spec/replicas', 'many')]);
    return patchVerdict(call, [add('/metadata/labels', { by: 'hook' }), add('/spec/strategy', {}), add('/bogus', 1)]);
  });
  const rules = [{ apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'], operations: ['CREATE'] }];
  await setup.configure('mutating', 'patching', { rules });
  const path = '/apis/apps/v1/namespaces/default/deployments';
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const spec = { selector: { matchLabels: { a: 'b' } }, template };
  const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec };
  const { json, status } = await setup.api.call('POST', path, { body });
  assert.equal(status, 201, JSON.stringify(json));
  assert.deepEqual(json.metadata.labels, { by: 'hook' });
  assert.equal(json.spec.strategy.type, 'RollingUpdate');
  assert.equal('bogus' in json, false);
  for (const [name, message] of [
    ['shape', /^Internal error occurred: .*many|^Internal error occurred: json: cannot unmarshal string/],
    ['bad', /^Internal error occurred: .*\/nowhere\/x|nowhere/],
  ] as const) {
    await setup.configure('mutating', name, { rules, path: `/${name}` });
    const refused = await setup.api.call('POST', path, { body: { ...body, metadata: { name: 'other' } } });
    assert.equal(refused.status, 500);
    assert.match(refused.json.message, message);
    await setup.api.call('DELETE', `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${name}`);
  }
});

test('a webhook that fails fails the request, or is passed over, as its policy says', async () => {
  await using setup = await startWebhookSetup((call, response) => {
    if (call.path.startsWith('/500')) {
      response.writeHead(500, { 'content-type': 'text/plain' }).end('broken');
      return undefined;
    }
    if (call.path.startsWith('/uid')) return verdict(call, { uid: 'other', allowed: true });
    if (call.path.startsWith('/absent')) return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' };
    if (call.path.startsWith('/kind')) return { response: { uid: call.body.request.uid, allowed: true } };
    if (call.path.startsWith('/patch')) return patchVerdict(call, []);
    if (call.path.startsWith('/type')) return verdict(call, { allowed: 'yes' });
    return undefined;
  });
  const prefix = (name: string) => `Internal error occurred: failed calling webhook "${name}.example.com": `;
  const uid = /received invalid webhook response: expected response\.uid="[0-9a-f-]+", got "other"$/;
  const table: readonly [string, string | RegExp][] = [
    ['500', 'failed to call webhook: an error on the server ("broken") has prevented the request from succeeding'],
    ['slow', `failed to call webhook: Post "${setup.webhook.url}/slow?timeout=1s": context deadline exceeded`],
    ['uid', uid],
    ['absent', 'received invalid webhook response: webhook response was absent'],
    [
      'kind',
      'received invalid webhook response: expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=',
    ],
    ['patch', 'received invalid webhook response: validating webhook may not return response.patch'],
    ['type', /cannot unmarshal string into Go struct field .*allowed of type bool$/],
  ];
  for (const [name, message] of table) {
    await setup.configure('validating', name, { path: `/${name}`, timeoutSeconds: 1 });
    const failed = await setup.api.call('POST', configMaps, { body: configMap(name) });
    assert.deepEqual([failed.status, failed.json.reason], [500, 'InternalError'], name);
    if (typeof message === 'string') assert.equal(failed.json.message, prefix(name) + message);
    else assert.match(failed.json.message, message);
    await setup.api.call('DELETE', `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${name}`);
  }
  await setup.configure('validating', 'open', { path: '/500', failurePolicy: 'Ignore' });
  assert.equal((await setup.api.call('POST', configMaps, { body: configMap('passes') })).status, 201);
  const text = await setup.meter.text();
  const labels = 'type="validating",operation="CREATE"';
  assert.match(text, /apiserver_admission_webhook_fail_open_count\{name="open.example.com",type="validating"\} 1/);
  const counted = `apiserver_admission_webhook_rejection_count{name="500.example.com",${labels},error_type="calling_webhook_error",rejection_code="500"} 1`;
  assert.ok(text.includes(counted), text);
});

test('a request whose own time is over waits for no webhook', async () => {
  await using setup = await startWebhookSetup(() => undefined);
  await setup.configure('validating', 'slow', { timeoutSeconds: 20, failurePolicy: 'Ignore' });
  const { status, json } = await setup.api.call('POST', `${configMaps}?timeout=500ms`, { body: configMap('x') });
  assert.deepEqual(
    [status, json.reason, json.message],
    [504, 'Timeout', 'Timeout: request did not complete within requested timeout - context deadline exceeded'],
  );
  assert.equal(setup.webhook.received[0]?.path, '/?timeout=1s');
});

test('selectors of namespaces and objects leave requests out', async () => {
  await using setup = await startWebhookSetup(call => verdict(call, { allowed: false }));
  const rules = [
    { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE', 'UPDATE'] },
    { apiGroups: [''], apiVersions: ['v1'], resources: ['namespaces'], operations: ['CREATE'] },
  ];
  const post = async (namespace: string, name: string, labels = {}) => {
    const body = { ...configMap(name), metadata: { name, labels } };
    return (await setup.api.call('POST', `/api/v1/namespaces/${namespace}/configmaps`, { body })).status;
  };
  const makeNamespace = async (name: string, labels = {}) => {
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
    return (await setup.api.call('POST', '/api/v1/namespaces', { body })).status;
  };
  assert.equal(await makeNamespace('strict', { mode: 'strict' }), 201);
  assert.equal(await makeNamespace('easy'), 201);
  await setup.configure('validating', 'spaces', { rules, namespaceSelector: { matchLabels: { mode: 'strict' } } });
  assert.deepEqual([await post('strict', 'a'), await post('easy', 'a')], [400, 201]);
  assert.deepEqual([await makeNamespace('s2', { mode: 'strict' }), await makeNamespace('e2')], [400, 201]);
  assert.equal(await post('missing', 'a'), 404);
  const objectSelector = { matchExpressions: [{ key: 'guard', operator: 'Exists' }] };
  await setup.configure('validating', 'objects', { rules, objectSelector });
  assert.deepEqual([await post('easy', 'b', { guard: 'x' }), await post('easy', 'c')], [400, 201]);
});

test('a webhook that asks for another version hears of the request in that version', async () => {
  await using setup = await startWebhookSetup(call => {
    const patch = [{ op: 'replace', path: '/note', value: 'changed' }];
    return patchVerdict(call, patch);
  });
  const rules = [{ apiGroups: ['events.k8s.io'], apiVersions: ['v1'], resources: ['events'], operations: ['CREATE'] }];
  await setup.configure('mutating', 'exact', { rules, matchPolicy: 'Exact' });
  const body = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'e1' },
    involvedObject: { kind: 'Pod', namespace: 'default', name: 'web' },
    message: 'first',
    reason: 'Testing',
    type: 'Normal',
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    source: { component: 'test' },
  };
  const exact = await setup.api.call('POST', '/api/v1/namespaces/default/events', { body });
  assert.deepEqual([exact.json.message, setup.webhook.received.length], ['first', 0]);
  await setup.configure('mutating', 'equivalent', { rules });
  body.metadata.name = 'e2';
  const { json } = await setup.api.call('POST', '/api/v1/namespaces/default/events', { body });
  const { request } = setup.webhook.received[0]!.body;
  assert.deepEqual([request.kind.group, request.requestKind.group], ['events.k8s.io', '']);
  assert.deepEqual([request.object.apiVersion, request.object.note], ['events.k8s.io/v1', 'first']);
  assert.deepEqual([json.apiVersion, json.message], ['v1', 'changed']);
});

test('webhooks are called in order of their names, and again only where they ask for it', async () => {
  const called: string[] = [];
  await using setup = await startWebhookSetup(call => {
    const name = call.path.split('?')[0]!.slice(1);
    called.push(name);
    const data = call.body.request.object.data ?? {};
    if (data[name]) return verdict(call, { allowed: true });
    return patchVerdict(call, [
      { op: 'add', path: '/data', value: { ...data, [name]: String(Object.keys(data).length) } },
    ]);
  });
  await setup.configure('mutating', 'b', { path: '/b' }, { path: '/c', name: 'c.example.com' });
  await setup.configure('mutating', 'a', { path: '/a', reinvocationPolicy: 'IfNeeded' });
  const { json } = await setup.api.call('POST', configMaps, { body: configMap('x') });
  assert.deepEqual(json.data, { a: '0', b: '1', c: '2' });
  assert.deepEqual(called, ['a', 'b', 'c', 'a']);
  called.length = 0;
  const done = configMap('y', { data: { a: '1', b: '1', c: '1' } });
  await setup.api.call('POST', configMaps, { body: done });
  assert.deepEqual(called, ['a', 'b', 'c']);
});

test('a dry run asks only webhooks without side effects', async () => {
  await using setup = await startWebhookSetup(call => verdict(call, { allowed: true }));
  await setup.configure('validating', 'safe', { sideEffects: 'NoneOnDryRun' });
  const dry = () => setup.api.call('POST', `${configMaps}?dryRun=All`, { body: configMap('x') });
  assert.equal((await dry()).status, 201);
  assert.equal(setup.webhook.received[0]?.body.request.dryRun, true);
});

test('a dry run meets no webhook that may have side effects, and its failure policy does not matter', async () => {
  const reader = createFakeReader();
  const webhook = {
    name: 'some.example.com',
    clientConfig: { url: 'https://127.0.0.1:1/' },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] }],
    // No write can bring this any more; what older versions stored can.
    sideEffects: 'Some',
    failurePolicy: 'Ignore',
    admissionReviewVersions: ['v1'],
  };
  reader.put(resources.validatingwebhookconfigurations, { metadata: { name: 'some' }, webhooks: [webhook] });
  const [clock, random, log, meter] = [createFakeClock(), createFakeRandom(), createRecordingLog(), createMeter()];
  const scheme = () => createScheme(behaviours);
  using plugins = createWebhookPlugins({
    reader,
    scheme,
    clock,
    random,
    log,
    meter,
    authorize: () => ({ verdict: 'allow', reason: '' }),
  });
  const object = { metadata: { name: 'x', namespace: 'default' } };
  const request = createTestRequest(resources.configmaps, { object, dryRun: true });
  const message = 'admission webhook "some.example.com" does not support dry run';
  assert.equal(await runPlugin(plugins.validating, request), message);
  assert.equal(await runPlugin(plugins.validating, { ...request, dryRun: false }), undefined);
  assert.equal(log.records.at(-1)?.message, 'a webhook failed and is passed over, as its failurePolicy says');
});

test('warnings of webhooks reach the client', async () => {
  await using setup = await startWebhookSetup(call => verdict(call, { allowed: true, warnings: ['mind the gap'] }));
  await setup.configure('validating', 'warning', {});
  const { headers } = await setup.api.call('POST', configMaps, { body: configMap('x') });
  assert.equal(headers['warning'], '299 - "mind the gap"');
});

test('webhooks of version v1beta1 are asked in that version, and need to repeat nothing', async () => {
  await using setup = await startWebhookSetup(call => {
    const patch = Buffer.from(JSON.stringify([{ op: 'add', path: '/data', value: { old: 'way' } }])).toString('base64');
    assert.equal(call.body.apiVersion, 'admission.k8s.io/v1beta1');
    return { response: { allowed: true, patch } };
  });
  await setup.configure('mutating', 'old', { admissionReviewVersions: ['v2', 'v1beta1', 'v1'] });
  assert.deepEqual((await setup.api.call('POST', configMaps, { body: configMap('x') })).json.data, { old: 'way' });
});

test('configurations of webhooks are never sent to webhooks, and a patch of a deletion is a mistake', async () => {
  await using setup = await startWebhookSetup(call => patchVerdict(call, [{ op: 'add', path: '/x', value: 1 }]));
  await setup.api.call('POST', configMaps, { body: configMap('x') });
  const rules = [{ apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'], operations: ['*'] }];
  await setup.configure('mutating', 'all', { rules });
  const refused = await setup.api.call('DELETE', `${configMaps}/x`);
  assert.deepEqual(
    [refused.status, refused.json.message],
    [
      500,
      'Internal error occurred: admission webhook "all.example.com" attempted to modify the object, which is not supported for this operation',
    ],
  );
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/all';
  assert.equal((await setup.api.call('DELETE', path)).status, 200);
});

test('a patch cannot move an object to another place', async () => {
  await using setup = await startWebhookSetup(call => {
    const path = call.path.startsWith('/name') ? '/metadata/name' : '/metadata/namespace';
    return patchVerdict(call, [{ op: 'replace', path, value: 'elsewhere' }]);
  });
  await setup.api.call('POST', configMaps, { body: configMap('x') });
  await setup.configure('mutating', 'moving', {});
  const created = await setup.api.call('POST', configMaps, { body: configMap('y') });
  const mismatch = 'the namespace of the provided object does not match the namespace sent on the request';
  assert.deepEqual([created.status, created.json.message], [400, mismatch]);
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['UPDATE'] }];
  await setup.configure('mutating', 'naming', { rules, path: '/name' });
  const patch = (data: object) =>
    setup.api.call('PATCH', `${configMaps}/x`, {
      body: { data },
      headers: { 'content-type': 'application/merge-patch+json' },
    });
  const renamed = await patch({ a: 'b' });
  assert.deepEqual([renamed.status, renamed.json.reason], [422, 'Invalid'], renamed.text);
  assert.match(renamed.json.message, /metadata\.name: Invalid value: "elsewhere": field is immutable/);
});
