import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startWebhookSetup, verdict } from './testing.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';

function configMap(name: string, fields: object = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...fields };
}

test('match conditions choose in CEL what a webhook is asked about', async () => {
  await using setup = await startWebhookSetup(call => verdict(call, { allowed: false }));
  const matchConditions = [
    { name: 'not-mine', expression: "request.userInfo.username != 'somebody'" },
    { name: 'guarded', expression: "object.metadata.name.startsWith('guarded-')" },
    { name: 'created', expression: "request.operation == 'CREATE' && oldObject == null" },
  ];
  await setup.configure('validating', 'conditions', { matchConditions });
  const post = async (name: string) => (await setup.api.call('POST', configMaps, { body: configMap(name) })).status;
  assert.deepEqual([await post('guarded-x'), await post('free')], [400, 201]);
  const text = await setup.meter.text();
  const labels = 'name="conditions.example.com",kind="webhook",type="validating",operation="CREATE"';
  assert.ok(text.includes(`apiserver_admission_match_condition_exclusions_total{${labels}} 1`), text);
});

test('a match condition that does not compile is refused when it is written', async () => {
  await using setup = await startWebhookSetup(call => verdict(call, { allowed: false }));
  const matchConditions = [{ name: 'typo', expression: 'objekt.metadata.name == ""' }];
  await assert.rejects(
    setup.configure('validating', 'typo', { matchConditions }),
    /Invalid value.*compilation failed: ERROR: <input>:1:1: undeclared reference to 'objekt'/,
  );
  const wrong = [{ name: 'text', expression: "'yes'" }];
  await assert.rejects(setup.configure('validating', 'text', { matchConditions: wrong }), /must evaluate to bool/);
});

test('match conditions may ask what the user is allowed to do', async () => {
  await using setup = await startWebhookSetup(call => verdict(call, { allowed: false }));
  const request = "!authorizer.group('example.com').resource('widgets').check('approve').allowed()";
  const resource = "!authorizer.requestResource.check('approve').allowed()";
  const matchConditions = [
    { name: 'request', expression: request },
    { name: 'resource', expression: resource },
  ];
  await setup.configure('validating', 'allowed', { matchConditions });
  const post = (user: string) =>
    setup.api.call('POST', configMaps, { body: configMap(user), headers: { 'test-user': user } });
  assert.equal((await post('jane')).status, 201);
  assert.equal((await post('joe')).status, 400);
});

test('a match condition that fails fails the request or leaves the webhook out, unless another one says no', async () => {
  await using setup = await startWebhookSetup(call => verdict(call, { allowed: false }));
  const failing = { name: 'failing', expression: "object.data.missing == 'x'" };
  const no = { name: 'no', expression: "object.metadata.name != 'free'" };
  const remove = (name: string) =>
    setup.api.call('DELETE', `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${name}`);
  const post = (name: string) =>
    setup.api.call('POST', `${configMaps}?dryRun=All`, { body: configMap(name, { data: { a: 'b' } }) });
  await setup.configure('validating', 'fail', { matchConditions: [failing, no] });
  const { status, json } = await post('x');
  assert.deepEqual(
    [status, json.message],
    [
      403,
      `configmaps "x" is forbidden: expression 'object.data.missing == 'x'' resulted in error: no such key: missing`,
    ],
  );
  assert.equal((await post('free')).status, 201);
  await remove('fail');
  await setup.configure('validating', 'ignore', { matchConditions: [failing], failurePolicy: 'Ignore' });
  assert.equal((await post('x')).status, 201);
  assert.equal(setup.webhook.received.length, 0);
});
