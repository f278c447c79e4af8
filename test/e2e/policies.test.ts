/** Admission policies in CEL as a user meets them: kubectl and a whole server. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Server, startServer } from './fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'policies-'));
const auditLog = join(folder, 'audit.log');
const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: limits.rules.example.com }
spec:
  group: rules.example.com
  scope: Namespaced
  names: { plural: limits, singular: limit, kind: Limit }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: { maxReplicas: { type: integer } }
`;
let server: Server;

before(async () => {
  const policy = join(folder, 'audit.yaml');
  writeFileSync(policy, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata }]\n');
  server = await startServer({ args: ['--audit-policy-file', policy, '--audit-log-path', auditLog] });
  server.apply(definition);
  server.kubectl('wait', '--for=condition=Established', 'crd/limits.rules.example.com', '--timeout=20s');
});
after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** A policy about Deployments in namespaces with the label `policy` of its name, and what binds it. */
function policyManifest(name: string, spec: string, binding: string): string {
  return `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: ${name} }
spec:
  matchConstraints:
    resourceRules:
      - { apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments] }
${spec}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: ${name} }
spec:
  policyName: ${name}
  matchResources: { namespaceSelector: { matchLabels: { policy: ${name} } } }
${binding}
`;
}

function makeNamespace(name: string): void {
  server.kubectl('create', 'namespace', name);
  server.kubectl('label', 'namespace', name, `policy=${name}`);
}

const deploy = (namespace: string, name: string, replicas: number) =>
  server.tryKubectl(['-n', namespace, 'create', 'deployment', name, '--image=web:1', `--replicas=${replicas}`]);

/** Policies and their parameters act a moment after they were written. */
async function eventually<T>(what: string, ask: () => T | undefined | false): Promise<T> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = ask();
    if (answer) return answer;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new Error(`${what}: not within 10 s`);
}

test('a policy refuses in its own words, by parameters of a custom kind, with variables and conditions', async () => {
  makeNamespace('limited');
  server.apply(
    policyManifest(
      'limited',
      `
  failurePolicy: Fail
  paramKind: { apiVersion: rules.example.com/v1, kind: Limit }
  matchConditions:
    - { name: not-free, expression: "!has(object.metadata.labels) || !('free' in object.metadata.labels)" }
  variables:
    - { name: wanted, expression: "object.spec.replicas" }
  validations:
    - expression: "variables.wanted <= params.maxReplicas"
      messageExpression: "'no more than ' + string(params.maxReplicas) + ' replicas, not ' + string(variables.wanted)"
      reason: Forbidden`,
      `
  validationActions: [Deny]
  paramRef: { name: limit, parameterNotFoundAction: Deny }`,
    ),
  );
  const missing = await eventually('refusal without parameters', () => {
    const { status, stderr } = deploy('limited', 'early', 1);
    if (status === 0) server.kubectl('-n', 'limited', 'delete', 'deployment', 'early');
    return status !== 0 && stderr;
  });
  assert.match(missing, /no params found for policy binding with `Deny` parameterNotFoundAction/);
  server.apply(
    'apiVersion: rules.example.com/v1\nkind: Limit\nmetadata: { name: limit, namespace: limited }\nmaxReplicas: 3\n',
  );
  await eventually('a deployment within the limit', () => deploy('limited', 'small', 3).status === 0);
  assert.equal(
    deploy('limited', 'large', 4).stderr,
    "error: failed to create deployment: deployments.apps \"large\" is forbidden: ValidatingAdmissionPolicy 'limited' with binding 'limited' denied request: " +
      'no more than 3 replicas, not 4\n',
  );
  const scaled = server.tryKubectl(['-n', 'limited', 'patch', 'deployment', 'small', '-p', '{"spec":{"replicas":9}}']);
  assert.match(scaled.stderr, /no more than 3 replicas, not 9/);
  server.kubectl('-n', 'limited', 'label', 'deployment', 'small', 'free=yes');
  server.kubectl('-n', 'limited', 'patch', 'deployment', 'small', '-p', '{"spec":{"replicas":9}}');
  assert.equal(deploy('default', 'elsewhere', 9).status, 0);
});

test('a policy that only warns and audits lets pass, and says so to the user and in the audit log', async () => {
  makeNamespace('watched');
  server.apply(
    policyManifest(
      'watched',
      `
  validations:
    - { expression: "object.spec.replicas > 1", message: "one replica is none" }
  auditAnnotations:
    - { key: replicas, valueExpression: "'asked for ' + string(object.spec.replicas)" }`,
      '\n  validationActions: [Warn, Audit]',
    ),
  );
  let counter = 0;
  const warned = await eventually('a warning', () => {
    const { status, stderr } = deploy('watched', `single-${counter++}`, 1);
    assert.equal(status, 0, stderr);
    return stderr.includes('Warning') && stderr;
  });
  assert.equal(
    warned,
    "Warning: Validation failed for ValidatingAdmissionPolicy 'watched' with binding 'watched': one replica is none\n",
  );
  const annotations = await eventually('the audit event', () => {
    const events = readFileSync(auditLog, 'utf8')
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
      .filter(event => event.objectRef?.name === `single-${counter - 1}` && event.stage === 'ResponseComplete');
    return events.find(event => event.verb === 'create')?.annotations;
  });
  assert.equal(annotations['watched/replicas'], 'asked for 1');
  const [failure] = JSON.parse(annotations['validation.policy.admission.k8s.io/validation_failure']);
  assert.deepEqual(
    [failure.message, failure.policy, failure.binding, failure.validationActions],
    ['one replica is none', 'watched', 'watched', ['Warn', 'Audit']],
  );
});

test('kubectl shows what the types of a policy say, and expressions that cannot be are refused', async () => {
  const spec = (expression: string) =>
    policyManifest('typed', `\n  validations: [{ expression: "${expression}" }]`, '\n  validationActions: [Deny]');
  server.apply(spec('object.spec.replicsa > 1'));
  const warning = await eventually('the status', () =>
    server.kubectl(
      'get',
      'validatingadmissionpolicy',
      'typed',
      '-o',
      'jsonpath={.status.typeChecking.expressionWarnings}',
    ),
  );
  const [{ fieldRef, warning: text }] = JSON.parse(warning);
  assert.equal(fieldRef, 'spec.validations[0].expression');
  assert.match(text, /apps\/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replicsa'/);
  const broken = server.tryKubectl(['apply', '-f', '-'], spec('object.spec.replicas >'));
  assert.equal(broken.status, 1);
  assert.match(broken.stderr, /spec\.validations\[0\]\.expression: Invalid value: .*compilation failed/);
  server.kubectl('delete', 'validatingadmissionpolicy,validatingadmissionpolicybinding', 'typed');
});

test('mutating policies change what is written, by configuration and by patch, and see each other', async () => {
  const mutating = (name: string, mutation: string) => `
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: { name: ${name} }
spec:
  failurePolicy: Fail
  reinvocationPolicy: IfNeeded
  matchConstraints:
    resourceRules: [{ apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps] }]
  matchConditions: [{ name: named, expression: "object.metadata.name.startsWith('mutated')" }]
  mutations:
    - ${mutation}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: { name: ${name} }
spec: { policyName: ${name} }
`;
  server.apply(
    mutating(
      'label',
      `patchType: ApplyConfiguration
      applyConfiguration:
        expression: "Object{metadata: Object.metadata{labels: {'made-by': request.userInfo.username.split(':')[1]}}}"`,
    ) +
      '---' +
      mutating(
        'count',
        `patchType: JSONPatch
      jsonPatch:
        expression: "[JSONPatch{op: 'add', path: '/data/labels', value: string(has(object.metadata.labels) ? object.metadata.labels.size() : 0)}]"`,
      ),
  );
  let counter = 0;
  const made = await eventually('a mutation by both', () => {
    const name = `mutated-${counter++}`;
    server.kubectl('create', 'configmap', name, '--from-literal=a=b');
    const { metadata, data } = JSON.parse(server.kubectl('get', 'configmap', name, '-o', 'json'));
    return metadata.labels && data.labels !== undefined && { labels: metadata.labels, data };
  });
  assert.deepEqual(made, { labels: { 'made-by': 'admin' }, data: { a: 'b', labels: '1' } });
  server.kubectl('create', 'configmap', 'plain', '--from-literal=a=b');
  assert.equal(server.kubectl('get', 'configmap', 'plain', '-o', 'jsonpath={.metadata.labels}'), '');
});
