import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRequestInfo } from '../request-info.ts';
import { parseAuditPolicy } from './policy.ts';

const policy = (rules: string, more = '') =>
  parseAuditPolicy('policy.yaml', `apiVersion: audit.k8s.io/v1\nkind: Policy\n${more}\nrules:\n${rules}`);
const bob = { name: 'bob', groups: ['dev', 'system:authenticated'] };
const level = (rules: string, path: string, method = 'GET', user = bob) => {
  const [name = '', search = ''] = path.split('?');
  return policy(rules)(user, parseRequestInfo(method, name, search)).level;
};
const pods = '/api/v1/namespaces/default/pods';

test('the first rule that matches decides; none means None', () => {
  const rules = '- { level: Metadata, verbs: [list] }\n- { level: Request, users: [bob] }';
  assert.equal(level(rules, pods), 'Metadata');
  assert.equal(level(rules, `${pods}/a`), 'Request');
  assert.equal(level(rules, `${pods}/a`, 'GET', { ...bob, name: 'eve' }), 'None');
});

test('resources: group, wildcards, subresources, names, namespaces', () => {
  const matches = (resource: string, path: string) => level(`- { level: Metadata, ${resource} }`, path) === 'Metadata';
  assert.ok(matches('resources: [{ group: "" }]', pods));
  assert.ok(!matches('resources: [{ group: apps }]', pods));
  assert.ok(matches('resources: [{ resources: [pods] }]', pods));
  assert.ok(!matches('resources: [{ resources: [pods] }]', `${pods}/a/log`));
  assert.ok(matches('resources: [{ resources: [pods/log] }]', `${pods}/a/log`));
  assert.ok(matches('resources: [{ resources: ["*/log"] }]', `${pods}/a/log`));
  assert.ok(matches('resources: [{ resources: ["pods/*"] }]', `${pods}/a/log`));
  assert.ok(matches('resources: [{ resources: [pods], resourceNames: [a] }]', `${pods}/a`));
  assert.ok(!matches('resources: [{ resources: [pods], resourceNames: [a] }]', `${pods}/b`));
  assert.ok(matches('namespaces: [default]', pods));
  assert.ok(!matches('namespaces: [other]', pods));
  assert.ok(matches('namespaces: [""]', '/api/v1/nodes'));
  assert.ok(!matches('resources: [{ group: "" }]', '/version'));
});

test('paths that are no resources', () => {
  const rules = '- { level: Metadata, nonResourceURLs: ["/healthz*", /version] }';
  assert.equal(level(rules, '/healthz/ping'), 'Metadata');
  assert.equal(level(rules, '/version'), 'Metadata');
  assert.equal(level(rules, '/versions'), 'None');
  assert.equal(level(rules, pods), 'None');
});

test('stages and managed fields: the rule adds to the policy, and says otherwise', () => {
  const decide = policy(
    '- { level: Request, omitStages: [ResponseStarted], omitManagedFields: false }',
    'omitStages: [RequestReceived]\nomitManagedFields: true',
  );
  const decision = decide(bob, parseRequestInfo('GET', pods, ''));
  assert.deepEqual([...decision.omitStages].sort(), ['RequestReceived', 'ResponseStarted']);
  assert.equal(decision.omitManagedFields, false);
});

const bad: readonly (readonly [rules: string, message: RegExp])[] = [
  [
    '- { level: Everything }',
    /^policy.yaml: rules\[0\].level: must be one of None, Metadata, Request, RequestResponse, not "Everything"$/,
  ],
  ['- { verbs: [get] }', /^policy.yaml: rules\[0\].level: must be one of/],
  ['- { level: None, verb: [get] }', /^policy.yaml: rules\[0\].verb: no such field; there are level/],
  ['- { level: None, omitStages: [Never] }', /rules\[0\].omitStages\[0\]: must be one of RequestReceived/],
  ['- { level: None, nonResourceURLs: [version] }', /nonResourceURLs\[0\]: non-resource URLs begin with a slash/],
  [
    '- { level: None, nonResourceURLs: [/a], namespaces: [b] }',
    /rules cannot apply to both regular resources and non-resource URLs/,
  ],
  [
    '- { level: None, resources: [{ resourceNames: [a] }] }',
    /resources\[0\].resourceNames: using resourceNames requires at least one resource/,
  ],
  [' []', /^policy.yaml: rules: must have at least one rule$/],
];

for (const [rules, message] of bad) {
  test(`refused, naming file and field: ${rules}`, () => {
    assert.throws(() => policy(rules), { name: 'DocumentError', message });
  });
}
