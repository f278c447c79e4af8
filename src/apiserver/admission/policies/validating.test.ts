import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configMap, configMaps, startPolicySetup } from './testing.ts';

const head = (name: string) => `ValidatingAdmissionPolicy '${name}' with binding '${name}' denied request:`;

test('a policy refuses what its validations do not allow, with its message, reason and code', async () => {
  await using setup = await startPolicySetup();
  const table: readonly [string, Record<string, unknown>, number, string, string][] = [
    ['plain', { expression: ' false ' }, 422, 'Invalid', 'failed expression: false'],
    ['words', { expression: 'false', message: ' not so ' }, 422, 'Invalid', 'not so'],
    ['made', { expression: 'false', messageExpression: "'is ' + object.data.a" }, 422, 'Invalid', 'is 1'],
    ['lines', { expression: 'false', messageExpression: "'a\\nb'", message: 'one' }, 422, 'Invalid', 'one'],
    [
      'broken',
      { expression: 'false', messageExpression: 'string(object.nope)', message: 'two' },
      422,
      'Invalid',
      'two',
    ],
    [
      'long',
      { expression: 'false', messageExpression: `'${'x'.repeat(5121)}'` },
      422,
      'Invalid',
      'failed expression: false',
    ],
    ['forbidden', { expression: 'false', reason: 'Forbidden' }, 403, 'Forbidden', 'failed expression: false'],
    ['who', { expression: 'false', reason: 'Unauthorized' }, 401, 'Unauthorized', 'failed expression: false'],
    [
      'large',
      { expression: 'false', reason: 'RequestEntityTooLarge' },
      413,
      'RequestEntityTooLarge',
      'failed expression: false',
    ],
    [
      'fault',
      { expression: 'object.nope == 1' },
      422,
      'Invalid',
      "expression 'object.nope == 1' resulted in error: no such key: nope",
    ],
  ];
  for (const [name, validation, code, reason, message] of table) {
    await setup.enforce('Validating', name, { validations: [{ expression: 'true' }, validation] });
    const { json, status } = await setup.create(configMaps, configMap('x', { data: { a: '1' } }));
    assert.deepEqual(
      [status, json.reason, json.message],
      [code, reason, `configmaps "x" is forbidden: ${head(name)} ${message}`],
    );
    assert.deepEqual(json.details, {
      name: 'x',
      kind: 'configmaps',
      causes: [{ message: `${head(name)} ${message}` }],
    });
    await setup.drop('Validating', name);
  }
  assert.equal((await setup.create(configMaps, configMap('x'))).status, 201);
});

test('a failure policy of Ignore lets through what cannot be evaluated, and nothing else', async () => {
  await using setup = await startPolicySetup();
  const failurePolicy = 'Ignore';
  const broken = { expression: 'object.nope == 1' };
  await setup.enforce('Validating', 'lax', {
    failurePolicy,
    validations: [broken],
    auditAnnotations: [{ key: 'k', valueExpression: 'string(object.nope)' }],
  });
  await setup.enforce('Validating', 'odd', {
    failurePolicy,
    matchConditions: [{ name: 'c', ...broken }],
    validations: [{ expression: 'false' }],
  });
  await setup.enforce('Validating', 'lost', {
    failurePolicy,
    paramKind: { apiVersion: 'x.io/v1', kind: 'No' },
    validations: [{ expression: 'false' }],
  });
  assert.equal((await setup.create(configMaps, configMap('x'))).status, 201);
  const text = await setup.meter.text();
  const labels = 'policy="lax",policy_binding="lax",error_type="invalid_error",enforcement_action="allow"';
  assert.ok(text.includes(`apiserver_validating_admission_policy_check_total{${labels}} 1`), text);
  await setup.enforce('Validating', 'strict', { failurePolicy, validations: [{ expression: 'false' }] });
  assert.equal((await setup.create(configMaps, configMap('y'))).status, 422);
});

test('actions warn and annotate instead of refusing', async () => {
  await using setup = await startPolicySetup();
  const validations = [{ expression: 'true' }, { expression: 'object.data.a == "1"', message: 'a is not 1' }];
  const auditAnnotations = [
    { key: 'a', valueExpression: "'a is ' + object.data.a" },
    { key: 'none', valueExpression: 'null' },
    { key: 'blank', valueExpression: "' '" },
  ];
  await setup.enforce(
    'Validating',
    'soft',
    { validations, auditAnnotations },
    { validationActions: ['Warn', 'Audit'] },
  );
  const { status, headers } = await setup.create(configMaps, configMap('x', { data: { a: '2' } }));
  assert.equal(status, 201);
  assert.match(
    JSON.stringify(headers),
    /Validation failed for ValidatingAdmissionPolicy 'soft' with binding 'soft': a is not 1/,
  );
  const failure = {
    message: 'a is not 1',
    policy: 'soft',
    binding: 'soft',
    expressionIndex: 1,
    validationActions: ['Warn', 'Audit'],
  };
  assert.deepEqual(setup.notes, [
    ['validation.policy.admission.k8s.io/validation_failure', JSON.stringify([failure])],
    ['soft/a', 'a is 2'],
  ]);
  const text = await setup.meter.text();
  for (const action of ['warn', 'audit']) {
    const labels = `policy="soft",policy_binding="soft",error_type="invalid_error",enforcement_action="${action}"`;
    assert.ok(text.includes(`apiserver_validating_admission_policy_check_total{${labels}} 1`), text);
  }
});

test('expressions see the object, the one before, the request, its namespace and what the user may do', async () => {
  await using setup = await startPolicySetup();
  const expressions = [
    "object.metadata.name == 'x' && (request.operation == 'CREATE' ? oldObject == null : oldObject.data.a == '1')",
    "request.kind.kind == 'ConfigMap' && request.namespace == 'default' && !request.dryRun",
    "namespaceObject.metadata.name == 'default' && namespaceObject.status.phase == 'Active'",
    "authorizer.requestResource.check('approve').allowed()",
    "authorizer.group('').resource('configmaps').check('approve').reason() == 'she said so'",
    "!authorizer.serviceAccount('default', 'robot').group('').resource('pods').check('approve').allowed()",
  ];
  await setup.enforce('Validating', 'all', { validations: expressions.map(expression => ({ expression })) });
  const body = configMap('x', { data: { a: '1' } });
  assert.equal((await setup.create(configMaps, body, 'joe')).status, 422);
  const created = await setup.create(configMaps, body, 'jane');
  assert.equal(created.status, 201, created.text);
  const headers = { 'test-user': 'jane' };
  const updated = await setup.api.call('PUT', `${configMaps}/x`, {
    body: configMap('x', { data: { a: '2' } }),
    headers,
  });
  assert.equal(updated.status, 200, updated.text);
  const again = await setup.api.call('PUT', `${configMaps}/x`, { body: configMap('x'), headers });
  assert.match(again.json.message, /failed expression: object.metadata.name/);
});

test('variables build on each other, have types, and are evaluated when they are needed', async () => {
  await using setup = await startPolicySetup();
  const variables = [
    { name: 'size', expression: 'size(object.data)' },
    { name: 'isOdd', expression: 'variables.size % 2 == 1' },
    { name: 'broken', expression: 'object.nope.nope' },
    { name: 'ratio', expression: 'double(variables.size) / 2.0' },
    { name: 'list', expression: 'object.data.map(k, k)' },
  ];
  const validations = [
    { expression: 'variables.isOdd && variables.ratio > 0.1 && variables.list.exists(x, x == "a")' },
    { expression: '!has(object.metadata.labels) || variables.broken == 1' },
  ];
  await setup.enforce('Validating', 'composed', { variables, validations });
  assert.equal((await setup.create(configMaps, configMap('x', { data: { a: '1' } }))).status, 201);
  const even = await setup.create(configMaps, configMap('y', { data: { a: '1', b: '2' } }));
  assert.match(even.json.message, /failed expression: variables.isOdd/);
  const labelled = configMap('z', { metadata: { labels: { a: 'b' } }, data: { a: '1' } });
  const { json } = await setup.create(configMaps, labelled);
  assert.match(json.message, /composited variable "broken" fails to evaluate: no such key: nope$/);
  const wrong = { variables, validations: [{ expression: "variables.size == 'a'" }] };
  await assert.rejects(
    setup.enforce('Validating', 'typed', wrong),
    /no matching overload for '_==_' applied to '\(int, string\)'/,
  );
});

test('the cost of a variable counts once, and for the expression that needs it', async () => {
  await using setup = await startPolicySetup();
  // About 1.1 million together, below the limit of each: more than ten times the budget if it were evaluated for each validation.
  const list = `[${Array.from({ length: 100 }, (_, index) => index).join(',')}]`;
  const variables = [{ name: 'dear', expression: `${list}.all(a, ${list}.all(b, a + b >= 0 && a * b >= 0))` }];
  const many = Array.from({ length: 300 }, () => ({ expression: 'variables.dear' }));
  await setup.enforce('Validating', 'once', { variables, validations: many });
  const answer = await setup.create(configMaps, configMap('x'));
  assert.equal(answer.status, 201, answer.text);
  await setup.drop('Validating', 'once');
  const each = Array.from({ length: 300 }, () => ({ expression: variables[0]!.expression }));
  await setup.enforce('Validating', 'each', { validations: each });
  const { json } = await setup.create(configMaps, configMap('y'));
  assert.match(
    json.message,
    /validation failed due to running out of cost budget, no further validation rules will be run$/,
  );
});

test('match conditions choose what a policy is about', async () => {
  await using setup = await startPolicySetup();
  const matchConditions = [{ name: 'guarded', expression: "object.metadata.name.startsWith('guarded-')" }];
  await setup.enforce('Validating', 'conditional', { matchConditions, validations: [{ expression: 'false' }] });
  const post = async (name: string) => (await setup.create(configMaps, configMap(name))).status;
  assert.deepEqual([await post('guarded-x'), await post('free')], [422, 201]);
  const labels = 'name="conditional",kind="policy",type="validate",operation="CREATE"';
  const text = await setup.meter.text();
  assert.ok(text.includes(`apiserver_admission_match_condition_exclusions_total{${labels}} 1`), text);
  await setup.drop('Validating', 'conditional');
  const broken = [{ name: 'broken', expression: 'object.nope' }].map(one => ({
    ...one,
    expression: `${one.expression} == 1`,
  }));
  await setup.enforce('Validating', 'broken', { matchConditions: broken, validations: [{ expression: 'true' }] });
  const { json } = await setup.create(configMaps, configMap('x'));
  assert.equal(
    json.message,
    `configmaps "x" is forbidden: ${head('broken')} expression 'object.nope == 1' resulted in error: no such key: nope`,
  );
});

test('rules, exceptions, names and selectors choose what a policy is about', async () => {
  await using setup = await startPolicySetup();
  const rules = { apiGroups: ['', 'apps'], apiVersions: ['*'], resources: ['*'], operations: ['CREATE'] };
  const matchConstraints = {
    resourceRules: [rules],
    excludeResourceRules: [{ ...rules, resourceNames: ['spared'] }],
    objectSelector: { matchExpressions: [{ key: 'free', operator: 'DoesNotExist' }] },
    namespaceSelector: { matchExpressions: [{ key: 'calm', operator: 'DoesNotExist' }] },
  };
  const binding = { matchResources: { resourceRules: [{ ...rules, resources: ['configmaps'] }] } };
  await setup.enforce('Validating', 'chosen', { matchConstraints, validations: [{ expression: 'false' }] }, binding);
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'calm', labels: { calm: 'yes' } } };
  assert.equal((await setup.create('/api/v1/namespaces', namespace)).status, 201);
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } };
  const table: readonly [string, Record<string, unknown>, number][] = [
    [configMaps, configMap('x'), 422],
    [configMaps, configMap('spared'), 201],
    [configMaps, configMap('labelled', { metadata: { labels: { free: 'yes' } } }), 201],
    ['/api/v1/namespaces/calm/configmaps', configMap('x'), 201],
    ['/api/v1/namespaces/default/secrets', secret, 201],
  ];
  for (const [path, body, status] of table) {
    const answer = await setup.create(path, body);
    assert.equal(answer.status, status, `${path} ${answer.text}`);
  }
});

test('policies and bindings are not judged by policies, and count for the next request', async () => {
  await using setup = await startPolicySetup();
  const every = { apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], operations: ['*'] };
  const matchConstraints = { resourceRules: [every] };
  await setup.enforce('Validating', 'nobody', { matchConstraints, validations: [{ expression: 'false' }] });
  assert.equal((await setup.create(configMaps, configMap('x'))).status, 422);
  await setup.enforce('Validating', 'another', { matchConstraints, validations: [{ expression: 'false' }] });
  await setup.drop('Validating', 'nobody');
  await setup.drop('Validating', 'another');
  assert.equal((await setup.create(configMaps, configMap('x'))).status, 201);
});

test('a changed policy is compiled again, one that was only labelled is not refused', async () => {
  await using setup = await startPolicySetup();
  await setup.enforce('Validating', 'moving', { validations: [{ expression: 'false' }] });
  const path = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/moving';
  const headers = { 'content-type': 'application/merge-patch+json' };
  await setup.api.call('PATCH', path, { body: { metadata: { labels: { a: 'b' } } }, headers });
  assert.equal((await setup.create(configMaps, configMap('x'))).status, 422);
  await setup.api.call('PATCH', path, { body: { spec: { validations: [{ expression: 'true' }] } }, headers });
  assert.equal((await setup.create(configMaps, configMap('x'))).status, 201);
});
