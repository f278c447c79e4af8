import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configMap, configMaps, startPolicySetup } from './testing.ts';

const apply = (expression: string) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });
const patch = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } });
const words = (name: string) => `policy '${name}' with binding '${name}' denied request:`;

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const deploymentRules = {
  resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'], operations: ['CREATE'] }],
};

function deployment(name: string, spec: Record<string, unknown> = {}) {
  const template = {
    metadata: { labels: { a: 'b' } },
    spec: {
      containers: [
        { name: 'one', image: 'i', ports: [{ containerPort: 80 }], env: [{ name: 'A', value: '1' }] },
        { name: 'two', image: 'i' },
      ],
    },
  };
  const full = { selector: { matchLabels: { a: 'b' } }, template, ...spec };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: full };
}

test('an apply configuration is laid over the object, which gets its defaults again', async () => {
  await using setup = await startPolicySetup();
  const expression = `Object{
    metadata: Object.metadata{labels: {"by": "policy"}, ?annotations: optional.none()},
    spec: Object.spec{
      replicas: int(object.spec.replicas) + 1,
      template: Object.spec.template{spec: Object.spec.template.spec{
        containers: object.spec.template.spec.containers.filter(c, c.name == "one").map(c, Object.spec.template.spec.containers{
          name: c.name,
          env: [Object.spec.template.spec.containers.env{name: "B", value: "2"}]
        }) + [Object.spec.template.spec.containers{name: "three", image: "j"}]
      }}
    }
  }`;
  await setup.enforce('Mutating', 'laying', { matchConstraints: deploymentRules, mutations: [apply(expression)] });
  const { json, status, text } = await setup.create(deployments, deployment('web', { replicas: 2 }));
  assert.equal(status, 201, text);
  assert.deepEqual(json.metadata.labels, { by: 'policy' });
  assert.equal(json.spec.replicas, 3);
  const containers = json.spec.template.spec.containers;
  assert.deepEqual(
    containers.map((one: Record<string, unknown>) => one['name']),
    ['one', 'two', 'three'],
  );
  assert.deepEqual(containers[0].env, [
    { name: 'A', value: '1' },
    { name: 'B', value: '2' },
  ]);
  assert.deepEqual([containers[0].ports[0].protocol, containers[2].imagePullPolicy], ['TCP', 'Always']);
  const metrics = await setup.meter.text();
  const labels = 'policy="laying",policy_binding="laying",error_type="no_error"';
  assert.ok(metrics.includes(`apiserver_mutating_admission_policy_check_total{${labels}} 1`), metrics);
});

test('a JSON patch changes the object; one whose test fails changes nothing', async () => {
  await using setup = await startPolicySetup();
  const operations = `[
    JSONPatch{op: "add", path: "/metadata/labels", value: {"from": object.metadata.name}},
    JSONPatch{op: "add", path: "/metadata/annotations", value: {"example.com/a": "1"}},
    JSONPatch{op: "copy", from: "/data/a", path: "/data/b"}
  ]`;
  const later = `has(object.metadata.annotations)
    ? [JSONPatch{op: "replace", path: "/metadata/annotations/" + jsonpatch.escapeKey("example.com/a"), value: "2"}] : []`;
  const never = '[JSONPatch{op: "remove", path: "/data"}, JSONPatch{op: "test", path: "/metadata/name", value: "no"}]';
  await setup.enforce('Mutating', 'patching', { mutations: [patch(operations), patch(later), patch(never)] });
  const { json, text } = await setup.create(configMaps, configMap('x', { data: { a: '1' } }));
  const { labels, annotations } = json.metadata;
  assert.deepEqual(
    [labels, annotations, json.data],
    [{ from: 'x' }, { 'example.com/a': '2' }, { a: '1', b: '1' }],
    text,
  );
});

test('what cannot be done is refused in words that say why', async () => {
  await using setup = await startPolicySetup();
  const table: readonly [string, object, number, string, string | RegExp][] = [
    [
      'fault',
      apply('Object{data: {"a": string(object.nope)}}'),
      403,
      'Invalid',
      /denied request: expression 'Object.*resulted in error: no such key: nope$/,
    ],
    [
      'field',
      apply('Object{nope: "x"}'),
      403,
      'Invalid',
      /error applying patch: failed to convert patch object to typed object: \.nope: field not declared in schema$/,
    ],
    [
      'type',
      apply('Object{data: "x"}'),
      403,
      'Invalid',
      /error applying patch: failed to convert patch object to typed object: \.data: expected map/,
    ],
    [
      'name',
      apply('Object{metadata: Object.spec{}}'),
      403,
      'Invalid',
      /unexpected type name "Object.spec", expected "Object.metadata", which matches field name path from root Object type$/,
    ],
    [
      'place',
      patch('[JSONPatch{op: "replace", path: "/nope/x", value: 1}]'),
      403,
      'Invalid',
      /denied request: JSONPath: /,
    ],
    [
      'shape',
      patch('[JSONPatch{op: "add", path: "/data", value: 5}]'),
      500,
      'InternalError',
      /^Internal error occurred: /,
    ],
  ];
  for (const [name, mutation, code, reason, message] of table) {
    await setup.enforce('Mutating', name, { mutations: [mutation] });
    const { status, json } = await setup.create(configMaps, configMap('x'));
    assert.deepEqual([status, json.reason], [code, reason], json.message);
    assert.match(json.message, message as RegExp);
    if (code === 403) {
      assert.ok(json.message.startsWith(words(name)), json.message);
      assert.deepEqual(json.details, { name: 'x', kind: 'configmaps', causes: [{ message: json.message }] });
    }
    await setup.drop('Mutating', name);
  }
  const atomic = `Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{
    containers: [Object.spec.template.spec.containers{name: "one", args: ["x"]}],
    nodeSelector: {"a": "b"}
  }}}}`;
  await setup.enforce('Mutating', 'atomic', { matchConstraints: deploymentRules, mutations: [apply(atomic)] });
  const { json } = await setup.create(deployments, deployment('web'));
  const paths = '.spec.template.spec.containers[0].args, .spec.template.spec.nodeSelector';
  const why = 'error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs';
  assert.equal(json.message, `${words('atomic')} ${why}: ${paths}`);
  await setup.drop('Mutating', 'atomic');
  const lax = { matchConstraints: deploymentRules, failurePolicy: 'Ignore', mutations: [apply(atomic)] };
  await setup.enforce('Mutating', 'lax', lax);
  assert.equal((await setup.create(deployments, deployment('web'))).status, 201);
});

test('policies go by name, see what those before them made, and variables see each mutation', async () => {
  await using setup = await startPolicySetup();
  const add = (text: string) => apply(`Object{data: {"log": variables.log + "${text}"}}`);
  const variables = [
    { name: 'log', expression: 'has(object.data) && "log" in object.data ? string(object.data.log) : ""' },
  ];
  for (const name of ['b', 'a'])
    await setup.enforce('Mutating', name, { variables, mutations: [add(`${name}1`), add(`${name}2`)] });
  const matchConditions = [{ name: 'never', expression: 'object.data.log == "x"' }];
  await setup.enforce('Mutating', 'c', { variables, matchConditions, mutations: [add('c')] });
  const { json } = await setup.create(configMaps, configMap('x'));
  assert.equal(json.data.log, 'a1a2b1b2');
});

test('a policy that asks for it is invoked again after later ones changed the object', async () => {
  await using setup = await startPolicySetup();
  const count = (key: string) =>
    apply(
      `Object{data: {"${key}": has(object.data) && "${key}" in object.data ? string(object.data["${key}"]) + "+" : "1"}}`,
    );
  await setup.enforce('Mutating', 'a', { reinvocationPolicy: 'IfNeeded', mutations: [count('again')] });
  await setup.enforce('Mutating', 'b', { reinvocationPolicy: 'Never', mutations: [count('once')] });
  const { json } = await setup.create(configMaps, configMap('x'));
  assert.deepEqual(json.data, { again: '1+', once: '1' });
});

test('a scale is changed as the kind that it is', async () => {
  await using setup = await startPolicySetup();
  assert.equal((await setup.create(deployments, deployment('web'))).status, 201);
  const rules = [
    { apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments/scale'], operations: ['UPDATE'] },
  ];
  const mutations = [apply('Object{spec: Object.spec{replicas: int(object.spec.replicas) * 2}}')];
  await setup.enforce('Mutating', 'scaling', { matchConstraints: { resourceRules: rules }, mutations });
  const headers = { 'content-type': 'application/merge-patch+json' };
  const { json } = await setup.api.call('PATCH', `${deployments}/web/scale`, {
    body: { spec: { replicas: 2 } },
    headers,
  });
  assert.equal(json.spec?.replicas, 4, JSON.stringify(json));
});
