/** Who is let in over TLS, and with what: nobody without a good certificate or token, and nobody further than their rights. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createRandom } from '#base';
import { createAuthority } from '../../src/cluster/certificate-authority.ts';
import { check, is } from './cases.ts';
import { type Credentials, type SecureApi, startSecureApi } from './fixture.ts';

const namespace = '/api/v1/namespaces/default';
const pods = `${namespace}/pods`;
const yearMs = 365 * 24 * 3600 * 1000;
const unauthorized = is('unauthorized', 'Unauthorized');

let api: SecureApi;
before(async () => {
  api = await startSecureApi();
});
after(() => api[Symbol.asyncDispose]());

const ask = (as: Credentials, path = pods) => api.send({ path, as });

test('nobody: only health and version', async () => {
  check(await ask({}), unauthorized);
  for (const path of ['/api', '/apis', '/openapi/v2', '/metrics', '/']) check(await ask({}, path), unauthorized);
  for (const path of ['/healthz', '/livez', '/readyz', '/version'])
    assert.equal((await ask({}, path)).status, 200, path);
});

test('a certificate that is over, or not yet valid', async () => {
  const nowMs = Date.now();
  check(
    await ask(await api.client('test-admin', { groups: ['system:masters'], nowMs: nowMs - 2 * yearMs })),
    unauthorized,
  );
  check(await ask(await api.client('test-admin', { groups: ['system:masters'], nowMs: nowMs + yearMs })), unauthorized);
});

test('a certificate of another authority, also of one with our name', async () => {
  const ours = api.admin.pair!;
  const from = await createAuthority({ commonName: 'wherry-client-ca@0', nowMs: Date.now(), random: createRandom() });
  const foreign = await api.client('test-admin', { groups: ['system:masters'], from });
  check(await ask(foreign), unauthorized);
  const chained = { certificate: foreign.pair!.certificate + ours.certificate, key: foreign.pair!.key };
  check(await ask({ pair: chained }), unauthorized);
  check(await ask(foreign, '/healthz'), unauthorized);
});

test('a good certificate without rights is told what it cannot do', async () => {
  const jane = await api.client('jane');
  check(
    await ask(jane),
    is(
      'forbidden',
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
    ),
  );
  check(
    await api.send({ method: 'DELETE', path: `/apis/apps/v1/namespaces/default/deployments/web`, as: jane }),
    is(
      'forbidden',
      'deployments.apps "web" is forbidden: User "jane" cannot delete resource "deployments" in API group "apps" in the namespace "default"',
    ),
  );
  check(await ask(jane, '/metrics'), is('forbidden', 'forbidden: User "jane" cannot get path "/metrics"'));
  check(
    await api.send({
      path: pods,
      as: jane,
      headers: { 'impersonate-user': 'test-admin', 'impersonate-group': 'system:masters' },
    }),
    is('forbidden', /User "jane" cannot impersonate(-on:user-info:\w+)? resource "/),
  );
});

test('what is forbidden is forbidden however the path is written', async () => {
  const role = { metadata: { name: 'maps' }, rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['*'] }] };
  await api.put('/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles', role);
  await api.put('/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
    metadata: { name: 'maps' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'maps' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'mary' }],
  });
  await api.put(`${namespace}/secrets`, { metadata: { name: 's' }, stringData: { a: 'hidden' } });
  const mary = await api.client('mary');
  assert.equal((await ask(mary, `${namespace}/configmaps`)).status, 200);
  const tricks = [
    'secrets/s',
    'configmaps/../secrets/s',
    'configmaps/%2e%2e/secrets/s',
    'configmaps%2f..%2fsecrets%2fs',
    'configmaps%2f%2e%2e%2fsecrets/s',
    'secrets%2fs',
    '%73ecrets/s',
    'configmaps/..%2fsecrets%2fs',
    'configmaps//secrets/s',
    '/secrets/s',
    './secrets/s',
    'configmaps;/../secrets/s',
    'configmaps?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiLi4vc2VjcmV0cyJ9',
  ];
  for (const trick of tricks) {
    const answer = await ask(mary, `${namespace}/${trick}`);
    assert.ok([400, 403, 404].includes(answer.status), `${trick}: ${answer.status}`);
    assert.doesNotMatch(answer.text, /aGlkZGVu/, trick);
  }
});

async function makeAccount(name: string): Promise<{ token(bound?: object): Promise<string>; path: string }> {
  const path = `${namespace}/serviceaccounts/${name}`;
  await api.put(`${namespace}/serviceaccounts`, { metadata: { name } });
  const token = async (bound?: object) => {
    const spec = bound ? { boundObjectRef: bound } : {};
    return (await api.put(`${path}/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec }))
      .status.token;
  };
  return { token, path };
}

const whoAmI = async (token: string) =>
  api.send({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    headers: { 'content-type': 'application/json' },
    body: '{}',
    as: { token },
  });

test('the token of a pod is good as long as its pod', async () => {
  const account = await makeAccount('worker');
  const spec = { serviceAccountName: 'worker', containers: [{ name: 'c', image: 'x' }] };
  const pod = await api.put(pods, { metadata: { name: 'bound' }, spec });
  const token = await account.token({ kind: 'Pod', apiVersion: 'v1', name: 'bound', uid: pod.metadata.uid });
  const answer = await whoAmI(token);
  assert.equal(answer.json.status.userInfo.username, 'system:serviceaccount:default:worker', answer.text);
  assert.equal((await api.send({ method: 'DELETE', path: `${pods}/bound?gracePeriodSeconds=0` })).status, 200);
  check(await whoAmI(token), unauthorized);
  await api.put(pods, { metadata: { name: 'bound' }, spec });
  check(await whoAmI(token), unauthorized);
});

test('the token of an account is good as long as the account, and not for one of the same name', async () => {
  const account = await makeAccount('brief');
  const token = await account.token();
  assert.equal((await whoAmI(token)).status, 201);
  assert.equal((await api.send({ method: 'DELETE', path: account.path })).status, 200);
  check(await whoAmI(token), unauthorized);
  await makeAccount('brief');
  check(await whoAmI(token), unauthorized);
});

test('tokens that were tampered with', async () => {
  const token = await (await makeAccount('honest')).token();
  const [head = '', claims = '', signature = ''] = token.split('.');
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const said = JSON.parse(Buffer.from(claims, 'base64url').toString());
  const other = encode({ ...said, sub: 'system:serviceaccount:kube-system:default' });
  const tampered = [
    `${head}.${other}.${signature}`,
    `${encode({ alg: 'none', typ: 'JWT' })}.${claims}.`,
    `${encode({ alg: 'HS256', typ: 'JWT' })}.${claims}.${signature}`,
    `${head}.${claims}.${signature.slice(0, -4)}AAAA`,
    `${head}.${claims}.`,
    `${head}.${claims}`,
    `${head}..${signature}`,
    `${head}.${encode({ ...said, exp: said.exp + 1 })}.${signature}`,
    'garbage',
    'a.b.c',
    '.'.repeat(100),
    'x'.repeat(100_000),
  ];
  for (const text of tampered) check(await whoAmI(text), unauthorized);
  assert.equal((await whoAmI(token)).status, 201);
});

test('a good certificate is not made worse by a bad token, nor a bad one better by none', async () => {
  assert.equal((await ask({ ...api.admin, token: 'garbage' })).status, 200);
  check(await api.send({ path: pods, as: {}, headers: { authorization: 'Basic YWRtaW46YWRtaW4=' } }), unauthorized);
});
