import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configMap, configMaps, type PolicySetup, startPolicySetup } from './testing.ts';

const secretRules = {
  resourceRules: [
    { apiGroups: [''], apiVersions: ['v1'], resources: ['secrets', 'namespaces'], operations: ['CREATE'] },
  ],
};
const secrets = '/api/v1/namespaces/default/secrets';
const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name } });
const ofConfigMaps = { apiVersion: 'v1', kind: 'ConfigMap' };
const named = (name: string, fields: object = {}) => ({
  paramRef: { name, parameterNotFoundAction: 'Deny', ...fields },
});
const bound = (name: string) => `ValidatingAdmissionPolicy '${name}' with binding '${name}' denied request:`;

async function refusal(setup: PolicySetup, path = secrets, body: Record<string, unknown> = secret('s')) {
  const { json, status } = await setup.create(path, { ...body });
  return status === 201 ? 'created' : (json.message as string).replace(/^.* is forbidden: /, '');
}

test('a parameter by name comes from the namespace of the request, or from the one that the binding names', async () => {
  await using setup = await startPolicySetup();
  const validations = [{ expression: 'params.data.allowed == "yes" && params.kind == "ConfigMap"' }];
  const spec = { matchConstraints: secretRules, paramKind: ofConfigMaps, validations };
  await setup.enforce('Validating', 'own', spec, named('limits'));
  const missing = 'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction';
  assert.equal(await refusal(setup), `${bound('own')} ${missing}`);
  await setup.create(configMaps, configMap('limits', { data: { allowed: 'no' } }));
  assert.match(await refusal(setup), /failed expression: params.data.allowed/);
  const headers = { 'content-type': 'application/merge-patch+json' };
  await setup.api.call('PATCH', `${configMaps}/limits`, { body: { data: { allowed: 'yes' } }, headers });
  assert.equal(await refusal(setup), 'created');
  const namespaces = '/api/v1/namespaces';
  const other = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } };
  // The namespace of a namespace is itself, where nothing can be yet.
  assert.equal(await refusal(setup, namespaces, other), `${bound('own')} ${missing}`);
  await setup.drop('Validating', 'own');
  assert.equal(await refusal(setup, namespaces, other), 'created');
  await setup.enforce('Validating', 'there', spec, named('limits', { namespace: 'default' }));
  assert.equal(await refusal(setup, `${namespaces}/other/secrets`), 'created');
});

test('parameters by selector are asked one by one; without any the policy is not evaluated, where that is allowed', async () => {
  await using setup = await startPolicySetup();
  const validations = [
    { expression: 'object.metadata.name != params.data.name', messageExpression: 'string(params.metadata.name)' },
  ];
  const spec = { matchConstraints: secretRules, paramKind: ofConfigMaps, validations };
  const paramRef = { selector: { matchLabels: { limit: 'yes' } }, parameterNotFoundAction: 'Allow' };
  await setup.enforce('Validating', 'many', spec, { paramRef });
  assert.equal(await refusal(setup), 'created');
  for (const name of ['a', 'b'])
    await setup.create(configMaps, configMap(name, { metadata: { labels: { limit: 'yes' } }, data: { name } }));
  await setup.create(configMaps, configMap('c', { data: { name: 'c' } }));
  assert.equal(await refusal(setup, secrets, secret('a')), `${bound('many')} a`);
  assert.equal(await refusal(setup, secrets, secret('b')), `${bound('many')} b`);
  assert.equal(await refusal(setup, secrets, secret('c')), 'created');
});

test('parameters that cannot be found out are an error of the configuration', async () => {
  await using setup = await startPolicySetup();
  const validations = [{ expression: 'params == null' }];
  const spec = { matchConstraints: secretRules, validations };
  const ofNothing = { apiVersion: 'example.com/v1', kind: 'Widget' };
  await setup.enforce('Validating', 'unknown', { ...spec, paramKind: ofNothing }, named('x'));
  const why =
    "failed to configure policy: failed to find resource referenced by paramKind: 'example.com/v1, Kind=Widget'";
  assert.equal(await refusal(setup), `ValidatingAdmissionPolicy 'unknown' denied request: ${why}`);
  await setup.drop('Validating', 'unknown');
  const ofNodes = { apiVersion: 'v1', kind: 'Node' };
  await setup.enforce('Validating', 'wide', { ...spec, paramKind: ofNodes }, named('x', { namespace: 'default' }));
  const wide = 'failed to configure binding: paramRef.namespace must not be provided for a cluster-scoped `paramKind`';
  assert.equal(await refusal(setup), `${bound('wide')} ${wide}`);
  await setup.drop('Validating', 'wide');
  await setup.enforce('Validating', 'unbound', { ...spec, paramKind: ofConfigMaps });
  assert.equal(await refusal(setup), 'created');
});

test('objects of custom kinds, and of the whole cluster, are parameters in the version that is asked for', async () => {
  await using setup = await startPolicySetup();
  const schema = {
    openAPIV3Schema: {
      type: 'object',
      properties: { max: { type: 'integer' }, metadata: { type: 'object' } },
    },
  };
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'limits.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Cluster',
      names: { plural: 'limits', singular: 'limit', kind: 'Limit', listKind: 'LimitList' },
      versions: ['v1', 'v2'].map(name => ({ name, served: true, storage: name === 'v1', schema })),
    },
  };
  const validations = [
    { expression: "params.apiVersion == 'example.com/v2' && size(object.metadata.name) <= params.max" },
  ];
  const spec = {
    matchConstraints: secretRules,
    validations,
    paramKind: { apiVersion: 'example.com/v2', kind: 'Limit' },
  };
  await setup.enforce('Validating', 'custom', spec, named('short'));
  assert.match(await refusal(setup), /failed to find resource referenced by paramKind/);
  const created = await setup.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
  assert.equal(created.status, 201, created.text);
  const limit = { apiVersion: 'example.com/v1', kind: 'Limit', metadata: { name: 'short' }, max: 3 };
  let status = 404;
  for (let tries = 0; status === 404 && tries < 100; tries++) {
    await new Promise(resolve => setImmediate(resolve));
    status = (await setup.create('/apis/example.com/v1/limits', limit)).status;
  }
  assert.equal(status, 201);
  assert.equal(await refusal(setup, secrets, secret('abc')), 'created');
  assert.match(await refusal(setup, secrets, secret('abcd')), /failed expression/);
});

test('mutations have parameters too', async () => {
  await using setup = await startPolicySetup();
  const expression = 'Object{metadata: Object.metadata{labels: {params.metadata.name: string(params.data.value)}}}';
  const mutations = [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }];
  const spec = { matchConstraints: secretRules, paramKind: ofConfigMaps, mutations };
  const paramRef = { selector: {}, parameterNotFoundAction: 'Deny' };
  await setup.enforce('Mutating', 'labels', spec, { paramRef });
  const { json } = await setup.create(secrets, secret('s'));
  const why = 'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction';
  const message = `policy 'labels' with binding 'labels' denied request: ${why}`;
  assert.deepEqual([json.code, json.reason, json.message], [403, 'Forbidden', message]);
  for (const name of ['a', 'b']) await setup.create(configMaps, configMap(name, { data: { value: `${name}1` } }));
  const answer = await setup.create(secrets, secret('s'));
  assert.deepEqual(answer.json.metadata.labels, { a: 'a1', b: 'b1' }, answer.text);
});
