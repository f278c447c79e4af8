import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { before, test } from 'node:test';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { createFakeClock } from '#base/testing';
import { createTestCertificates } from '#wire/testing';
import { DocumentError } from '../document.ts';
import { parseAuthenticationConfig } from './authentication-config.ts';
import { createOpenIdTokens } from './openid-tokens.ts';

let tls: Awaited<ReturnType<typeof createTestCertificates>>['tls'];
before(async () => {
  ({ tls } = await createTestCertificates());
});

const startMs = Date.UTC(2026, 0, 1);

interface Provider extends AsyncDisposable {
  readonly url: string;
  /** How often its keys were asked for. */
  asked(): number;
  /** From now on another key signs; the old one is not told any more. */
  rotate(): Promise<void>;
  sign(claims: JWTPayload, options?: { lifeSeconds?: number }): Promise<string>;
}

/** An OpenID provider on loopback. */
async function startProvider(): Promise<Provider> {
  let [asked, number] = [0, 0];
  let key = await newKey();
  async function newKey() {
    const pair = await generateKeyPair('ES256', { extractable: true });
    const kid = `key-${++number}`;
    return { ...pair, kid, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256', use: 'sig' } };
  }
  const server = createServer(tls, (request, response) => {
    if (request.url === '/.well-known/openid-configuration')
      return void response.end(JSON.stringify({ issuer: provider.url, jwks_uri: `${provider.url}/keys` }));
    asked++;
    response.end(JSON.stringify({ keys: [key.jwk] }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const provider: Provider = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    async rotate() {
      key = await newKey();
    },
    sign(claims, { lifeSeconds = 3600 } = {}) {
      return new SignJWT({ iss: provider.url, aud: 'wherry', exp: startMs / 1000 + lifeSeconds, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: key.kid })
        .sign(key.privateKey);
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return provider;
}

const envelope = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration' };
const simpleMappings = { username: { claim: 'sub', prefix: 'oidc:' }, groups: { claim: 'groups', prefix: '' } };

function parse(value: object) {
  return parseAuthenticationConfig('auth.yaml', JSON.stringify({ ...envelope, ...value }), {
    ownIssuer: 'https://own',
  });
}

function open(provider: Provider, rest: object = {}) {
  const clock = createFakeClock(startMs);
  const issuer = { url: provider.url, audiences: ['wherry'], certificateAuthority: tls.ca };
  const { issuers } = parse({ jwt: [{ issuer, claimMappings: simpleMappings, ...rest }] });
  const tokens = createOpenIdTokens({ issuers, audiences: ['https://own'], clock });
  return { clock, use: async (token: string) => (await tokens(token))?.user };
}

test("a provider's token is the user that its claims name", async () => {
  await using provider = await startProvider();
  const { use } = open(provider);
  assert.deepEqual(await use(await provider.sign({ sub: 'jane', groups: ['a', 'b'], jti: '7' })), {
    name: 'oidc:jane',
    groups: ['a', 'b'],
    extra: { 'authentication.kubernetes.io/credential-id': ['JTI=7'] },
  });
  assert.deepEqual((await use(await provider.sign({ sub: 'jane', groups: 'a' })))?.groups, ['a']);
  assert.equal(await use(await provider.sign({ sub: 'jane', iss: 'https://elsewhere' })), undefined);
  assert.equal(await use('no token'), undefined);
  assert.equal(provider.asked(), 1, 'keys are kept');
});

test('tokens that are expired, for others, or signed by others are refused', async () => {
  await using provider = await startProvider();
  await using other = await startProvider();
  const { use } = open(provider);
  await assert.rejects(async () => use(await provider.sign({ sub: 'jane' }, { lifeSeconds: -60 })), /exp/);
  await assert.rejects(async () => use(await provider.sign({ sub: 'jane', aud: 'others' })), /aud/);
  await assert.rejects(async () => use(await other.sign({ sub: 'jane', iss: provider.url })));
  const unsigned = [{ alg: 'none' }, { iss: provider.url, aud: 'wherry', sub: 'jane', exp: startMs }]
    .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  await assert.rejects(use(`${unsigned}.`));
});

test('a new key of the provider is fetched when a token names it, and not for every wrong token', async () => {
  await using provider = await startProvider();
  await using other = await startProvider();
  const { use, clock } = open(provider);
  await use(await provider.sign({ sub: 'jane' }));
  await provider.rotate();
  const token = await provider.sign({ sub: 'joe' });
  await clock.advance(11_000);
  assert.equal((await use(token))?.name, 'oidc:joe');
  assert.equal(provider.asked(), 2);
  await other.rotate();
  await other.rotate();
  for (let turn = 0; turn < 5; turn++) {
    await assert.rejects(async () => use(await other.sign({ sub: 'eve', iss: provider.url })));
  }
  assert.equal(provider.asked(), 2, 'the last fetch is not long ago');
});

test('expressions map claims and check them', async () => {
  await using provider = await startProvider();
  const { use } = open(provider, {
    claimMappings: {
      username: { expression: 'claims.email_verified ? claims.email : claims.sub' },
      groups: { expression: 'claims.roles.split(",")' },
      uid: { expression: 'claims.sub' },
      extra: [{ key: 'example.com/tenant', valueExpression: 'claims.tenant' }],
    },
    claimValidationRules: [
      { claim: 'hd', requiredValue: 'example.com' },
      { expression: 'claims.exp - claims.iat <= 86400', message: 'tokens live a day at most' },
    ],
    userValidationRules: [
      { expression: "!user.username.startsWith('system:')", message: 'no system users' },
      { expression: "user.groups.all(group, !group.startsWith('system:'))" },
    ],
  });
  const claims = {
    sub: '7',
    email: 'jane@example.com',
    email_verified: true,
    roles: 'a,b',
    tenant: 'blue',
    hd: 'example.com',
    iat: startMs / 1000,
  };
  assert.deepEqual(await use(await provider.sign(claims)), {
    name: 'jane@example.com',
    uid: '7',
    groups: ['a', 'b'],
    extra: { 'example.com/tenant': ['blue'] },
  });
  const refused = async (change: object, expected: RegExp) =>
    assert.rejects(async () => use(await provider.sign({ ...claims, ...change })), expected);
  await refused({ hd: 'evil.com' }, /required claim hd value does not match. Got = evil.com, want = example.com/);
  await refused({ iat: startMs / 1000 - 90_000 }, /tokens live a day at most/);
  await refused({ email: 'system:admin' }, /no system users/);
  await refused({ roles: 'system:masters' }, /resulted in false/);
  await refused({ tenant: 7 }, /must be a string or an array of strings/);
});

test('an address that was not verified is no name', async () => {
  await using provider = await startProvider();
  const { use } = open(provider, { claimMappings: { username: { claim: 'email', prefix: '' } } });
  assert.equal((await use(await provider.sign({ email: 'a@b.c', email_verified: true })))?.name, 'a@b.c');
  assert.equal((await use(await provider.sign({ email: 'a@b.c' })))?.name, 'a@b.c');
  await assert.rejects(
    async () => use(await provider.sign({ email: 'a@b.c', email_verified: false })),
    /email not verified/,
  );
});

const issuer = { url: 'https://issuer.example.com', audiences: ['a'] };
const one = (rest: object, about: object = {}) => ({
  jwt: [{ issuer: { ...issuer, ...about }, claimMappings: simpleMappings, ...rest }],
});
const wrong: readonly (readonly [object, RegExp])[] = [
  [one({}, { url: 'http://x' }), /jwt\[0\]\.issuer\.url: URL scheme must be https/],
  [one({}, { audiences: [] }), /issuer\.audiences: at least one/],
  [one({}, { audiences: ['a', 'b'] }), /audienceMatchPolicy: must be MatchAny for multiple audiences/],
  [one({}, { certificateAuthority: 'x' }), /certificateAuthority: must be certificates in PEM$/],
  [one({}, { discoveryURL: issuer.url }), /discoveryURL must be different from URL/],
  [one({}, { color: 'red' }), /issuer\.color: no such field/],
  [{ jwt: [...one({}).jwt, ...one({}).jwt] }, /jwt\[1\]: .*used twice/],
  [one({}, { url: 'https://own' }), /or the cluster's own/],
  [one({ claimMappings: { username: { claim: 'sub' } } }), /username\.prefix: prefix is required when claim is set/],
  [one({ claimMappings: { username: { expression: 'claims.' } } }), /username\.expression: compilation failed/],
  [
    one({ claimValidationRules: [{ expression: '1 + 1' }] }),
    /claimValidationRules\[0\]\.expression: compilation failed/,
  ],
  [one({ claimMappings: { username: { expression: 'claims.email' } } }), /claims\.email_verified must be used/],
  [
    one({ claimValidationRules: [{ expression: 'claims.sub', claim: 'x' }] }),
    /claim or expression is required, and not both/,
  ],
  [
    one({ userValidationRules: [{ expression: 'user.nothing == 1' }] }),
    /userValidationRules\[0\]\.expression: compilation failed/,
  ],
  [
    one({ claimMappings: { ...simpleMappings, extra: [{ key: 'kubernetes.io/x', valueExpression: 'claims.x' }] } }),
    /are reserved/,
  ],
  [{ anonymous: { enabled: false, conditions: [{ path: '/healthz' }] } }, /enabled should be set to true/],
];

test('configurations that are wrong are refused with the field that is', () => {
  for (const [value, expected] of wrong) {
    assert.throws(
      () => parse(value),
      (error: unknown) => error instanceof DocumentError && expected.test(error.message),
      JSON.stringify(value),
    );
  }
  assert.deepEqual(parse({ anonymous: { enabled: true, conditions: [{ path: '/livez' }] } }).anonymous?.paths, [
    '/livez',
  ]);
});
