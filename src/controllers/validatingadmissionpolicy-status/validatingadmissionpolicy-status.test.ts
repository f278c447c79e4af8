import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ValidatingAdmissionPolicy } from '#api';
import { resources } from '#api';
import { startTestControllers } from '../testing.ts';
import { validatingAdmissionPolicyStatus } from './controller.ts';
import { typeInDocument } from './kinds.ts';
import { checkTypes, type Kinds, kindsToCheck } from './plan.ts';

const rule = { apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'], operations: ['CREATE'] };

function policy(name: string, spec: Partial<ValidatingAdmissionPolicy['spec']>): ValidatingAdmissionPolicy {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name, generation: 3 },
    spec: { matchConstraints: { resourceRules: [rule] }, ...spec },
  };
}

test('the status of a policy says where its expressions do not fit the types', async () => {
  const confused = policy('confused', {
    validations: [
      {
        expression: "object.spec.replicas > '1'",
        messageExpression: "'wants replicas > 1, got ' + object.spec.replicas",
      },
      { expression: 'object.spec.replicas > 1 && oldObject.spec.paused' },
      { expression: 'variables.name.nope == 1' },
    ],
    variables: [{ name: 'name', expression: 'object.metadata.name' }],
  });
  const fine = policy('fine', { validations: [{ expression: 'object.spec.replicas > 1' }] });
  await using deps = await startTestControllers([validatingAdmissionPolicyStatus], [confused, fine]);
  const status = (name: string) =>
    deps.client.peekAll(resources.validatingadmissionpolicies).find(one => one.metadata.name === name)?.status;
  assert.deepEqual(status('fine'), { observedGeneration: 3, typeChecking: {} });
  const { observedGeneration, typeChecking } = status('confused') ?? {};
  assert.equal(observedGeneration, 3);
  const [first, second, third, ...more] = typeChecking?.expressionWarnings ?? [];
  assert.deepEqual(first, {
    fieldRef: 'spec.validations[0].expression',
    warning:
      "apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n | object.spec.replicas > '1'\n | .....................^\n",
  });
  assert.equal(second?.fieldRef, 'spec.validations[0].messageExpression');
  assert.match(second?.warning ?? '', /found no matching overload for '_\+_' applied to '\(string, int\)'/);
  assert.equal(third?.fieldRef, 'spec.validations[2].expression');
  assert.deepEqual(more, []);
});

test('a policy that changes is checked again', async () => {
  await using deps = await startTestControllers(
    [validatingAdmissionPolicyStatus],
    [policy('moving', { validations: [{ expression: 'object.spec.nope == 1' }] })],
  );
  const all = resources.validatingadmissionpolicies;
  const now = deps.client.peekAll(all)[0]!;
  assert.match(now.status?.typeChecking?.expressionWarnings?.[0]?.warning ?? '', /undefined field 'nope'/);
  const spec = { ...now.spec, validations: [{ expression: 'object.spec.replicas == 1' }] };
  await deps.client.update(all, { ...now, metadata: { ...now.metadata, generation: 4 }, spec });
  await deps.settle();
  assert.deepEqual(deps.client.peekAll(all)[0]?.status, { observedGeneration: 4, typeChecking: {} });
});

test('rules with wildcards and subresources name no kinds, and ten of a rule are enough', async () => {
  const kinds: Kinds = {
    named: async (group, version, resource) => (resource === 'none' ? undefined : { group, version, kind: resource }),
    typeOf: async () => undefined,
  };
  const asked = async (...resourceRules: object[]) =>
    (await kindsToCheck(policy('x', { matchConstraints: { resourceRules } }), kinds)).map(
      ({ group, version, kind }) => `${group}/${version}/${kind}`,
    );
  assert.deepEqual(await asked({ ...rule, apiGroups: ['*'] }, { ...rule, apiVersions: ['*'] }), []);
  assert.deepEqual(await asked({ ...rule, resources: ['*', 'pods/*', 'pods/status', 'none', 'b', 'a'] }), [
    'apps/v1/a',
    'apps/v1/b',
  ]);
  assert.deepEqual(await asked({ ...rule, apiGroups: ['z', 'a'], apiVersions: ['v2', 'v1'] }), [
    'a/v1/deployments',
    'a/v2/deployments',
    'z/v1/deployments',
    'z/v2/deployments',
  ]);
  const many = Array.from({ length: 20 }, (_, index) => `r${index}`);
  assert.equal((await asked({ ...rule, resources: many }, { ...rule, resources: ['zz'] })).length, 10);
});

test('types of custom kinds, and of parameters, come from the document of their group', async () => {
  const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });
  const cronTab = {
    type: 'object',
    'x-kubernetes-group-version-kind': [{ group: 'example.com', version: 'v1', kind: 'CronTab' }],
    properties: {
      metadata: { allOf: [reference('meta')], default: {} },
      spec: { type: 'object', properties: { replicas: { type: 'integer' } } },
      tree: reference('tree'),
    },
  };
  const tree = { type: 'object', properties: { name: { type: 'string' }, child: reference('tree') } };
  const text = { type: 'string' };
  const meta = { type: 'object', properties: { name: text, generateName: text, generation: { type: 'integer' } } };
  const document = { components: { schemas: { cronTab, tree, meta } } };
  const kinds: Kinds = {
    named: async (group, version) => ({ group, version, kind: 'CronTab' }),
    typeOf: async name => typeInDocument(document, name),
  };
  const resourceRules = [{ ...rule, apiGroups: ['example.com'] }];
  const paramKind = { apiVersion: 'example.com/v1', kind: 'CronTab' };
  const validations = [
    { expression: "object.spec.replicas > '1'" },
    { expression: 'object.spec.maxRetries < 10' },
    { expression: 'object.metadata.generation == 1 && object.tree.name == "x" && params.spec.replicas > 1' },
    { expression: 'params.spec.nope == 1' },
  ];
  const checked = policy('x', { matchConstraints: { resourceRules }, paramKind, validations });
  const warnings = await checkTypes(checked, kinds);
  assert.deepEqual(
    warnings.map(({ fieldRef }) => fieldRef),
    [0, 1, 3].map(index => `spec.validations[${index}].expression`),
  );
  assert.match(warnings[1]?.warning ?? '', /^example.com\/v1, Kind=CronTab: ERROR: .*undefined field 'maxRetries'/);
});
