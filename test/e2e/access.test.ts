/** Users of an OpenID provider and of webhooks, and what a webhook allows them; all by kubectl. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server as HttpsServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type Server, startServer } from './fixture.ts';

let folder: string;
let outside: HttpsServer;
let url: string;
let ca: string;
let server: Server;
let sign: (claims: Record<string, unknown>) => Promise<string>;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wherry-access-'));
  await startOutside();
  const authentication = {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AuthenticationConfiguration',
    jwt: [
      {
        issuer: { url, audiences: ['wherry'], certificateAuthority: ca },
        claimMappings: {
          username: { expression: "'oidc:' + claims.sub" },
          groups: { expression: 'claims.?roles.orValue([])' },
        },
        userValidationRules: [{ expression: "user.groups.all(group, !group.startsWith('system:'))" }],
      },
    ],
    anonymous: { enabled: true, conditions: [{ path: '/readyz' }] },
  };
  const connectionInfo = { type: 'KubeConfigFile', kubeConfigFile: write('access.yaml', kubeconfig(`${url}/access`)) };
  const webhook = {
    ...{ authorizedTTL: '1s', unauthorizedTTL: '1s', timeout: '3s', failurePolicy: 'Deny', connectionInfo },
    ...{ subjectAccessReviewVersion: 'v1', matchConditionSubjectAccessReviewVersion: 'v1' },
    matchConditions: [{ expression: "has(request.resourceAttributes) && request.user.startsWith('hook:')" }],
  };
  const authorizers = [
    { type: 'Webhook', name: 'outside', webhook },
    { type: 'Node', name: 'node' },
    { type: 'RBAC', name: 'rbac' },
  ];
  const authorization = { apiVersion: authentication.apiVersion, kind: 'AuthorizationConfiguration', authorizers };
  server = await startServer({
    args: [
      `--authentication-config=${write('authentication.yaml', JSON.stringify(authentication))}`,
      `--authentication-token-webhook-config-file=${write('tokens.yaml', kubeconfig(`${url}/tokens`))}`,
      `--authorization-config=${write('authorization.yaml', JSON.stringify(authorization))}`,
    ],
  });
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  outside?.close();
  outside?.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

/** A provider and two webhooks in one server. */
async function startOutside(): Promise<void> {
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', '/CN=outside', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
  ]);
  assert.equal(made.status, 0, String(made.stderr));
  ca = readFileSync(cert, 'utf8');
  const pair = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'ES256', use: 'sig' };
  sign = claims =>
    new SignJWT({ iss: url, aud: 'wherry', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setExpirationTime('1h')
      .sign(pair.privateKey);
  outside = createServer({ key: readFileSync(key), cert: ca }, (asked, response) => {
    if (asked.url === '/.well-known/openid-configuration')
      return void response.end(JSON.stringify({ issuer: url, jwks_uri: `${url}/keys` }));
    if (asked.url === '/keys') return void response.end(JSON.stringify({ keys: [jwk] }));
    void answerReview(asked, response);
  });
  outside.listen(0, '127.0.0.1');
  await once(outside, 'listening');
  url = `https://127.0.0.1:${(outside.address() as AddressInfo).port}`;
}

async function answerReview(asked: IncomingMessage, response: ServerResponse): Promise<void> {
  const { spec } = (await json(asked)) as { spec: Record<string, Record<string, string>> & { token?: string } };
  if (asked.url === '/tokens') {
    const isKnown = spec.token === 'hook-token';
    const status = isKnown ? { authenticated: true, user: { username: 'hook:hugo' } } : { authenticated: false };
    return void response.end(JSON.stringify({ status }));
  }
  const { resource, verb } = spec['resourceAttributes'] ?? {};
  const status = { allowed: resource === 'configmaps', denied: verb === 'delete' && resource !== 'configmaps' };
  response.end(JSON.stringify({ status: { ...status, reason: 'said the webhook' } }));
}

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function kubeconfig(at: string): string {
  return JSON.stringify({
    clusters: [{ name: 'c', cluster: { server: at, 'certificate-authority': 'cert' } }],
    contexts: [{ name: 'c', context: { cluster: 'c' } }],
    'current-context': 'c',
  });
}

/** kubectl with nothing but a token. The servers outside are in this process, so it must not be held up. */
async function withToken(token: string, ...args: string[]) {
  const found = server.kubectl(
    'config',
    'view',
    '--raw',
    '-o',
    'jsonpath={.clusters[0].cluster.certificate-authority-data}',
  );
  const cluster = { server: server.url, 'certificate-authority-data': found };
  const path = write(
    'client.yaml',
    JSON.stringify({
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { token } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'c',
    }),
  );
  return server.runKubectl([`--kubeconfig=${path}`, ...args]);
}

test("an OpenID provider's users are who their claims say", async () => {
  const token = await sign({ sub: 'jane', roles: ['gardeners'] });
  const { stdout, stderr } = await withToken(token, 'auth', 'whoami', '-o', 'json');
  const { userInfo } = JSON.parse(stdout || stderr).status;
  assert.equal(userInfo.username, 'oidc:jane');
  assert.deepEqual(userInfo.groups, ['gardeners', 'system:authenticated']);
  server.kubectl('create', 'clusterrolebinding', 'gardeners', '--clusterrole=view', '--group=gardeners');
  assert.equal((await withToken(token, 'get', 'configmaps')).status, 0);
  assert.match((await withToken(token, 'get', 'secrets')).stderr, /User "oidc:jane" cannot list resource "secrets"/);
  const bad = await withToken(await sign({ sub: 'eve', roles: ['system:masters'] }), 'get', 'secrets');
  assert.match(bad.stderr, /Unauthorized|logged in/);
});

test("a webhook's users may do what a webhook allows, and neither decides about others", async () => {
  assert.match((await withToken('hook-token', 'auth', 'whoami')).stdout, /hook:hugo/);
  assert.equal((await withToken('hook-token', 'get', 'configmaps')).status, 0);
  const refused = await withToken('hook-token', 'get', 'secrets');
  assert.match(refused.stderr, /User "hook:hugo" cannot list resource "secrets" .*said the webhook/);
  assert.match((await withToken('another-token', 'get', 'configmaps')).stderr, /Unauthorized|logged in/);
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' };
  const resourceAttributes = { verb: 'delete', resource: 'secrets', namespace: 'default' };
  const asked = JSON.stringify({ ...review, spec: { user: 'hook:hugo', resourceAttributes } });
  const { stdout } = await server.runKubectl(['create', '-f', '-', '-o', 'json'], asked);
  assert.deepEqual(JSON.parse(stdout).status, { allowed: false, denied: true, reason: 'said the webhook' });
  assert.equal(server.kubectl('auth', 'can-i', 'delete', 'secrets'), 'yes\n');
});

test('nobody is somebody but where the file says so', async () => {
  const statusOf = async (path: string) => {
    const call = request(`${server.url}${path}`, { rejectUnauthorized: false, agent: false }).end();
    const [response] = await once(call, 'response');
    response.resume();
    return response.statusCode;
  };
  assert.equal(await statusOf('/readyz'), 200);
  assert.equal(await statusOf('/livez'), 401);
  assert.equal(await statusOf('/version'), 401);
});
