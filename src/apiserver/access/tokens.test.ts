import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { type Pod, resources } from '#api';
import { createFakeClock, createFakeRandom } from '#base/testing';
import type { Request } from '#wire';
import { createAuthenticator } from './authenticate.ts';
import { exportKeySet, readTokenKey, signToken } from './json-web-token.ts';
import { openIdConfiguration, openIdKeys } from './openid.ts';
import { createServiceAccountTokens } from './service-account-token.ts';
import { createFakeReader } from './testing.ts';
import { createLegacyToken, createTokenRequest } from './token-request.ts';

const user = { name: 'kubelet', groups: [] };
const issuer = 'https://kubernetes.default.svc.cluster.local';

function newKey(type: 'ec' | 'rsa' = 'ec') {
  const pair =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return readTokenKey(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
}

function open(keys = [newKey()]) {
  const reader = createFakeReader();
  const clock = createFakeClock();
  const options = { keys, issuer, audiences: [issuer], reader, clock, random: createFakeRandom() };
  const account = { metadata: { name: 'builder', namespace: 'ci', uid: 'account-1' } };
  const pod: Pod = {
    metadata: { name: 'job-1', namespace: 'ci', uid: 'pod-1' },
    spec: { containers: [], serviceAccountName: 'builder', nodeName: 'n1' },
  };
  reader.put(resources.serviceaccounts, account);
  reader.put(resources.pods, pod);
  reader.put(resources.nodes, { metadata: { name: 'n1', uid: 'node-1' }, spec: {} });
  const uses: string[] = [];
  const noteUse = (_secret: unknown, day: string) => void uses.push(day);
  const authenticate = createAuthenticator({ clientCa: '', serviceAccountKeys: keys, ...options, noteUse });
  const use = async (token: string, path = '/api/v1/pods') =>
    authenticate({
      path,
      headers: { authorization: `Bearer ${token}` },
      peer: { address: 'test' },
    } as unknown as Request);
  const issue = async (spec: object) => {
    const object = { metadata: { name: '' }, spec: spec as never };
    const answer = await createTokenRequest(options, { namespace: 'ci', name: 'builder', object, user });
    return answer.status.token;
  };
  return { reader, clock, options, account, pod, use, issue, authenticate, uses };
}

const podReference = { apiVersion: 'v1', kind: 'Pod', name: 'job-1', uid: 'pod-1' };
const denied = { message: 'Unauthorized', status: { code: 401, reason: 'Unauthorized' } };

function isDenied(error: { message: string; status: { code: number; reason: string } }): boolean {
  assert.equal(error.message, denied.message);
  assert.equal(error.status.code, denied.status.code);
  assert.equal(error.status.reason, denied.status.reason);
  return true;
}

test('a bound token is its service account, with the pod and node that it was issued for', async () => {
  const { use, issue } = open();
  const found = await use(await issue({ boundObjectRef: podReference }));
  assert.equal(found?.name, 'system:serviceaccount:ci:builder');
  assert.equal(found?.uid, 'account-1');
  assert.deepEqual(found?.groups, ['system:serviceaccounts', 'system:serviceaccounts:ci', 'system:authenticated']);
  assert.deepEqual(found?.extra, {
    'authentication.kubernetes.io/credential-id': ['JTI=00000000-0000-4000-8000-000000000001'],
    'authentication.kubernetes.io/pod-name': ['job-1'],
    'authentication.kubernetes.io/pod-uid': ['pod-1'],
    'authentication.kubernetes.io/node-name': ['n1'],
    'authentication.kubernetes.io/node-uid': ['node-1'],
  });
});

test('a token ends with its time, its pod, its account, and is not revived by namesakes', async () => {
  const cases: readonly [string, (world: ReturnType<typeof open>) => unknown][] = [
    ['expired', ({ clock }) => clock.advance(3600_000 + 61_000)],
    ['pod deleted', ({ reader, pod }) => reader.remove(resources.pods, pod)],
    ['account deleted', ({ reader, account }) => reader.remove(resources.serviceaccounts, account)],
    [
      'pod replaced',
      ({ reader, pod }) => reader.put(resources.pods, { ...pod, metadata: { ...pod.metadata, uid: 'pod-2' } }),
    ],
    [
      'account replaced',
      ({ reader, account }) =>
        reader.put(resources.serviceaccounts, { metadata: { ...account.metadata, uid: 'account-2' } }),
    ],
    [
      'pod long being deleted',
      async ({ reader, pod, clock }) => {
        const deletionTimestamp = new Date(clock.now()).toISOString();
        reader.put(resources.pods, { ...pod, metadata: { ...pod.metadata, deletionTimestamp } });
        await clock.advance(61_000);
      },
    ],
  ];
  for (const [name, change] of cases) {
    const world = open();
    const token = await world.issue({ boundObjectRef: podReference });
    assert.ok(await world.use(token), `${name}: good before`);
    await change(world);
    await assert.rejects(world.use(token), isDenied, name);
  }
});

test('tokens that were not issued here are refused', async () => {
  const world = open();
  const good = await world.issue({});
  const [head = '', body = '', signature = ''] = good.split('.');
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const tampered = encode({ ...claims, sub: 'system:serviceaccount:kube-system:admin' });
  const table: readonly [string, string][] = [
    ['changed claims', `${head}.${tampered}.${signature}`],
    ['no signature', `${encode({ alg: 'none' })}.${body}.`],
    ['alg none with a signature', `${encode({ alg: 'none' })}.${body}.${signature}`],
    ['signed by another key', await signToken([newKey()], claims)],
    ['another issuer', await signToken(world.options.keys, { ...claims, iss: 'https://elsewhere' })],
    ['another audience', await world.issue({ audiences: ['vault'] })],
    ['not yet valid', await signToken(world.options.keys, { ...claims, nbf: claims.nbf + 600 })],
    [
      'subject of another account',
      await signToken(world.options.keys, { ...claims, sub: 'system:serviceaccount:ci:root' }),
    ],
    ['no token at all', 'abc'],
    ['a public key as HMAC secret', `${encode({ alg: 'HS256' })}.${body}.${signature}`],
  ];
  for (const [name, token] of table) await assert.rejects(world.use(token), isDenied, name);
  assert.ok(await world.use(good));
});

test('audiences that are no texts are refused in words', async () => {
  const { options, account, use } = open();
  const { uid } = account.metadata;
  const rest = {
    iss: issuer,
    sub: 'system:serviceaccount:ci:builder',
    exp: Math.floor(options.clock.now() / 1000) + 3600,
    'kubernetes.io': { namespace: 'ci', serviceaccount: { name: 'builder', uid } },
  };
  const check = createServiceAccountTokens(options);
  assert.deepEqual((await check(await signToken(options.keys, { ...rest, aud: issuer })))?.audiences, [issuer]);
  for (const aud of [5, true, {}, [5], [issuer, null]]) {
    const token = await signToken(options.keys, { ...rest, aud: aud as never });
    for (let time = 0; time < 2; time++) await assert.rejects(check(token), /token audiences are neither a text nor/);
    await assert.rejects(use(token), isDenied);
  }
});

test('the tokens of a rotated key stay good while its public half is known', async () => {
  const [old, fresh] = [newKey('rsa'), newKey()];
  const before = open([old]);
  const token = await before.issue({});
  assert.ok(await open([fresh, { ...old, privateKey: undefined }]).use(token));
  await assert.rejects(open([fresh]).use(token), isDenied);
});

test('an old-style token is good while its Secret holds it', async () => {
  const { reader, use, options, clock, uses } = open();
  const serviceAccount = { name: 'builder', uid: 'account-1' };
  const token = await createLegacyToken(options.keys, { namespace: 'ci', serviceAccount, secret: 'builder-token' });
  await assert.rejects(use(token), isDenied);
  const secret = {
    metadata: { name: 'builder-token', namespace: 'ci' },
    type: 'kubernetes.io/service-account-token',
    data: { token: Buffer.from(token).toString('base64') },
  };
  reader.put(resources.secrets, secret);
  assert.equal((await use(token))?.name, 'system:serviceaccount:ci:builder');
  await use(token);
  assert.deepEqual(uses, ['2026-01-01'], 'noted once a day');
  await clock.advance(24 * 3600_000);
  await use(token);
  assert.deepEqual(uses, ['2026-01-01', '2026-01-02']);
  const labels = { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' };
  reader.put(resources.secrets, { ...secret, metadata: { ...secret.metadata, labels } });
  await assert.rejects(use(token), isDenied);
  reader.put(resources.secrets, secret);
  await use(token);
  reader.remove(resources.secrets, secret);
  await assert.rejects(use(token), isDenied);
});

test('a bootstrap token is good for the groups of its Secret until it expires', async () => {
  const { reader, use, clock } = open();
  const encode = (text: string) => Buffer.from(text).toString('base64');
  const data = {
    'token-id': encode('abcdef'),
    'token-secret': encode('0123456789abcdef'),
    'usage-bootstrap-authentication': encode('true'),
    'auth-extra-groups': encode('system:bootstrappers:wherry:default'),
    expiration: encode(new Date(clock.now() + 60_000).toISOString()),
  };
  const metadata = { name: 'bootstrap-token-abcdef', namespace: 'kube-system' };
  reader.put(resources.secrets, { metadata, type: 'bootstrap.kubernetes.io/token', data });
  const found = await use('abcdef.0123456789abcdef');
  assert.equal(found?.name, 'system:bootstrap:abcdef');
  assert.deepEqual(found?.groups, [
    'system:bootstrappers',
    'system:bootstrappers:wherry:default',
    'system:authenticated',
  ]);
  await assert.rejects(use('abcdef.0123456789abcdee'), isDenied);
  await clock.advance(61_000);
  await assert.rejects(use('abcdef.0123456789abcdef'), isDenied);
});

test('without credentials only health and version are open; callers in the process are who they say', async () => {
  const { authenticate } = open();
  const ask = (path: string, peer: object = {}) =>
    authenticate({ path, headers: {}, peer: { address: 'test', ...peer } } as unknown as Request);
  assert.equal((await ask('/readyz'))?.name, 'system:anonymous');
  assert.equal((await ask('/livez/ping'))?.name, 'system:anonymous');
  assert.equal((await ask('/version'))?.name, 'system:anonymous');
  assert.equal(await ask('/api'), undefined);
  assert.equal(await ask('/readyzz'), undefined);
  const inProcess = await ask('/api', { user: { name: 'system:admin', groups: ['system:masters'] } });
  assert.deepEqual(inProcess, { name: 'system:admin', groups: ['system:masters', 'system:authenticated'] });
});

test('token requests are refused as upstream words it', async () => {
  const { options } = open();
  const ask = (spec: object, name = 'builder') =>
    createTokenRequest(options, {
      namespace: 'ci',
      name,
      object: { metadata: { name: '' }, spec: spec as never },
      user,
    });
  const table: readonly [object, string][] = [
    [
      { expirationSeconds: 599 },
      'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
    ],
    [{ boundObjectRef: { ...podReference, name: 'gone' } }, 'pods "gone" not found'],
    [
      { boundObjectRef: { ...podReference, uid: 'other' } },
      'Operation cannot be fulfilled on pods "job-1": the UID in the bound object reference (other) does not match the UID in record. The object might have been deleted and then recreated',
    ],
    [
      { boundObjectRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' } },
      'cannot bind token for serviceaccount "builder" to object of type apps/v1, Kind=Deployment',
    ],
  ];
  for (const [spec, message] of table) await assert.rejects(ask(spec), { message });
  await assert.rejects(ask({}, 'nobody'), { message: 'serviceaccounts "nobody" not found' });
});

test('others can check our tokens with the published keys', async () => {
  const { options, issue } = open([newKey('rsa'), newKey()]);
  const token = await issue({ audiences: ['vault'] });
  const { createLocalJWKSet, jwtVerify } = await import('jose');
  const published = JSON.parse((await openIdKeys(options.keys)).body);
  assert.deepEqual(published, JSON.parse(JSON.stringify(await exportKeySet(options.keys))));
  const currentDate = new Date(options.clock.now());
  const { payload } = await jwtVerify(token, createLocalJWKSet(published), { audience: 'vault', issuer, currentDate });
  assert.equal(payload.sub, 'system:serviceaccount:ci:builder');
  const keysUrl = 'https://10.0.0.1:6443/openid/v1/jwks';
  const document = JSON.parse(openIdConfiguration({ issuer, keysUrl, keys: options.keys }).body);
  assert.deepEqual(document.id_token_signing_alg_values_supported, ['ES256', 'RS256']);
  assert.equal(document.jwks_uri, keysUrl);
});
