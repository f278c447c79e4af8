import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patchVerdict, startWebhookSetup, verdict } from './testing.ts';

const _configMaps = '/api/v1/namespaces/default/configmaps';

function _configMap(name: string, fields: object = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...fields };
}

test('a webhook hears of the scale, with its own kind, and may change it', async () => {
  await using setup = await startWebhookSetup(call =>
    patchVerdict(call, [{ op: 'replace', path: '/spec/replicas', value: 2 }]),
  );
  const path = '/apis/apps/v1/namespaces/default/deployments';
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const spec = { selector: { matchLabels: { a: 'b' } }, template };
  const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec };
  await setup.api.call('POST', path, { body });
  const operations = ['UPDATE'];
  const rules = [{ apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments/scale'], operations }];
  await setup.configure('mutating', 'scaling', { rules });
  const scaled = await setup.api.call('PATCH', `${path}/web/scale`, {
    body: { spec: { replicas: 9 } },
    headers: { 'content-type': 'application/merge-patch+json' },
  });
  assert.equal(scaled.json.spec?.replicas, 2, scaled.text);
  const { request } = setup.webhook.received[0]!.body;
  assert.deepEqual(request.kind, { group: 'autoscaling', version: 'v1', kind: 'Scale' });
  assert.deepEqual([request.subResource, request.requestSubResource], ['scale', 'scale']);
  assert.deepEqual([request.object.spec.replicas, request.oldObject.spec.replicas], [9, 1]);
});

test('a webhook is asked about streams, with their options', async () => {
  await using setup = await startWebhookSetup(call =>
    verdict(call, { allowed: false, status: { message: 'no shell' } }),
  );
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods/exec'], operations: ['CONNECT'] }];
  await setup.configure('validating', 'shell', { rules });
  const path = '/api/v1/namespaces/default/pods/web/exec?command=sh&command=-c&stdin=true&container=main';
  const { json, status } = await setup.api.call('POST', path);
  assert.deepEqual([status, json.message], [400, 'admission webhook "shell.example.com" denied the request: no shell']);
  const { request } = setup.webhook.received[0]!.body;
  assert.deepEqual([request.operation, request.name, request.options], ['CONNECT', 'web', null]);
  assert.deepEqual(request.object, {
    kind: 'PodExecOptions',
    apiVersion: 'v1',
    stdin: true,
    command: ['sh', '-c'],
    container: 'main',
  });
});

test('a patch of the options of a stream is a mistake that is told', async () => {
  await using setup = await startWebhookSetup(call =>
    patchVerdict(call, [{ op: 'replace', path: '/container', value: 'other' }]),
  );
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods/exec'], operations: ['CONNECT'] }];
  await setup.configure('mutating', 'shell', { rules });
  const { json, status } = await setup.api.call(
    'POST',
    '/api/v1/namespaces/default/pods/web/exec?command=sh&container=main',
  );
  assert.equal(status, 500);
  assert.match(json.message, /attempted to modify the object, which is not supported for this operation$/);
});

test('evictions, bindings and every object of a collection are asked about', async () => {
  await using setup = await startWebhookSetup(call => verdict(call, { allowed: true }));
  const pods = '/api/v1/namespaces/default/pods';
  const spec = { containers: [{ name: 'main', image: 'x' }] };
  const makePod = (name: string) =>
    setup.api.call('POST', pods, { body: { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec } });
  for (const name of ['one', 'two', 'three']) assert.equal((await makePod(name)).status, 201);
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods', 'pods/*'], operations: ['*'] }];
  await setup.configure('validating', 'pods', { rules });
  const target = { apiVersion: 'v1', kind: 'Node', name: 'n1' };
  const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'one' }, target };
  assert.equal((await setup.api.call('POST', `${pods}/one/binding`, { body: binding })).status, 201);
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'two' } };
  assert.equal((await setup.api.call('POST', `${pods}/two/eviction`, { body: eviction })).status, 201);
  assert.equal((await setup.api.call('DELETE', pods, { body: { gracePeriodSeconds: 0 } })).status, 200);
  const heard = setup.webhook.received.map(({ body: { request } }) => {
    const { operation, kind, subResource, name } = request;
    return [operation, kind.kind, subResource, name].filter(Boolean).join(' ');
  });
  assert.deepEqual(heard.slice(0, 2), ['CREATE Binding binding one', 'CREATE Eviction eviction two']);
  assert.deepEqual(heard.slice(2).toSorted(), ['DELETE Pod one', 'DELETE Pod three']);
});

test('questions that are answered and not stored are asked about, too', async () => {
  await using setup = await startWebhookSetup(call => verdict(call, { allowed: false }));
  const apiGroups = ['authorization.k8s.io'];
  const rules = [{ apiGroups, apiVersions: ['v1'], resources: ['subjectaccessreviews'], operations: ['CREATE'] }];
  await setup.configure('validating', 'asking', { rules });
  const spec = { user: 'jane', nonResourceAttributes: { path: '/', verb: 'get' } };
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
  const { status } = await setup.api.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { body });
  assert.deepEqual([status, setup.webhook.received.length], [400, 1]);
});
