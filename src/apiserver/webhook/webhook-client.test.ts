import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createPlainServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { test } from 'node:test';
import { resources } from '#api';
import { createRandom, createSystemClock } from '#base';
import { createTestCertificates } from '#wire/testing';
import { createFakeReader } from '../access/testing.ts';
import { WebhookCallError } from './call-error.ts';
import { startTestWebhook } from './testing.ts';
import { createWebhookClient, type WebhookCall } from './webhook-client.ts';

function createClient() {
  const reader = createFakeReader();
  const client = createWebhookClient({ reader, clock: createSystemClock(), random: createRandom() });
  const failing = async (call: Omit<WebhookCall, 'body' | 'timeoutMs'> & { timeoutMs?: number }) => {
    const error = await client.call({ body: {}, timeoutMs: 10_000, ...call }).catch((error: unknown) => error);
    assert.ok(error instanceof WebhookCallError, String(error));
    return error;
  };
  return { reader, client, failing, [Symbol.dispose]: () => client[Symbol.dispose]() };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

test('a webhook is called with its timeout in the query, over one kept connection', async () => {
  const { tls } = await createTestCertificates();
  await using webhook = await startTestWebhook(tls, ({ body }) => ({ echo: body.question }));
  using test = createClient();
  const clientConfig = { url: `${webhook.url}/admit`, caBundle: base64(tls.ca) };
  for (const question of [1, 2, 3]) {
    const answer = await test.client.call({ clientConfig, body: { question }, timeoutMs: 10_000 });
    assert.deepEqual(answer, { echo: question });
  }
  assert.deepEqual(
    webhook.received.map(call => call.path),
    ['/admit?timeout=10s', '/admit?timeout=10s', '/admit?timeout=10s'],
  );
  assert.equal(webhook.connections(), 1);
  await test.client.call({ clientConfig, body: {}, timeoutMs: 10_000, tellsTimeout: false });
  assert.equal(webhook.received.at(-1)?.path, '/admit');
});

test('large questions and answers arrive as they are', async () => {
  const { tls } = await createTestCertificates();
  await using webhook = await startTestWebhook(tls, ({ body }) => ({ echo: body.question }));
  using test = createClient();
  const clientConfig = { url: webhook.url, caBundle: base64(tls.ca) };
  const members = Array.from({ length: 20_000 }, (_, index) => [`name-${index}`, { index, list: [null, 'text', {}] }]);
  const question = { members: Object.fromEntries(members), text: 'x'.repeat(200_000), last: [true] };
  const answer = await test.client.call({ clientConfig, body: { question }, timeoutMs: 20_000 });
  assert.equal(JSON.stringify(answer), JSON.stringify({ echo: question }));
});

test('a reference to a service is dialled at a ready endpoint, under the name of the service', async () => {
  const { tls } = await createTestCertificates(['hook.tools.svc']);
  await using webhook = await startTestWebhook(tls, () => ({ ok: true }));
  using test = createClient();
  const service = { namespace: 'tools', name: 'hook', path: '/check', port: 8443 };
  const clientConfig = { service, caBundle: base64(tls.ca) };
  const head = 'Post "https://hook.tools.svc:8443/check?timeout=10s": ';
  assert.equal((await test.failing({ clientConfig })).message, `${head}service "hook" not found`);
  const spec = { type: 'ClusterIP', ports: [{ port: 443, name: 'web' }] };
  const metadata = { name: 'hook', namespace: 'tools' };
  test.reader.put(resources.services, { metadata, spec } as never);
  assert.equal((await test.failing({ clientConfig })).message, `${head}no service port 8443 found for service "hook"`);
  spec.ports.push({ port: 8443, name: 'hook' });
  assert.equal((await test.failing({ clientConfig })).message, `${head}no endpoints available for service "hook"`);
  test.reader.put(resources.endpointslices, {
    metadata: { name: 'hook-1', namespace: 'tools', labels: { 'kubernetes.io/service-name': 'hook' } },
    addressType: 'IPv4',
    ports: [{ name: 'hook', port: webhook.port }],
    endpoints: [
      { addresses: ['127.0.0.1'], conditions: { ready: true } },
      { addresses: ['127.0.0.77'], conditions: { ready: false } },
    ],
  } as never);
  assert.deepEqual(await test.client.call({ clientConfig, body: {}, timeoutMs: 10_000 }), { ok: true });
  assert.equal(webhook.received[0]?.headers.host, 'hook.tools.svc:8443');
});

test('an ExternalName service is dialled at its name', async () => {
  const { tls } = await createTestCertificates(['hook.tools.svc']);
  await using webhook = await startTestWebhook(tls, () => ({ ok: true }));
  using test = createClient();
  const spec = { type: 'ExternalName', externalName: 'localhost' };
  test.reader.put(resources.services, { metadata: { name: 'hook', namespace: 'tools' }, spec } as never);
  const clientConfig = {
    service: { namespace: 'tools', name: 'hook', port: webhook.port },
    caBundle: base64(tls.ca),
  };
  assert.deepEqual(await test.client.call({ clientConfig, body: {}, timeoutMs: 10_000 }), { ok: true });
  assert.equal(webhook.received[0]?.path, '/?timeout=10s');
});

test('failures to connect are told in the words of upstream', async () => {
  const { tls } = await createTestCertificates();
  const other = await createTestCertificates();
  await using webhook = await startTestWebhook(tls, () => ({}));
  using test = createClient();
  const at = `${webhook.url}/`;
  const messageOf = async (url: string, ca = tls.ca) =>
    (await test.failing({ clientConfig: { url, caBundle: base64(ca) } })).message;
  assert.equal(
    await messageOf(at, other.tls.ca),
    `Post "${at}?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
  );
  const wrongHost = `https://127.0.0.2:${webhook.port}/`;
  const listener = createTcpServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const closedPort = (listener.address() as AddressInfo).port;
  listener.close();
  await once(listener, 'close');
  assert.equal(
    await messageOf(`https://127.0.0.1:${closedPort}/x`),
    `Post "https://127.0.0.1:${closedPort}/x?timeout=10s": dial tcp 127.0.0.1:${closedPort}: connect: connection refused`,
  );
  assert.match(await messageOf(wrongHost), /dial tcp 127\.0\.0\.2:\d+: connect: connection refused$/);
  assert.match(
    await messageOf('https://no-such-host.invalid/'),
    /: dial tcp: lookup no-such-host\.invalid: no such host$/,
  );
  const plain = createPlainServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1');
  await once(plain, 'listening');
  using _plain = { [Symbol.dispose]: () => plain.close().closeAllConnections() };
  const plainUrl = `https://127.0.0.1:${(plain.address() as AddressInfo).port}/`;
  assert.equal(
    await messageOf(plainUrl),
    `Post "${plainUrl}?timeout=10s": http: server gave HTTP response to HTTPS client`,
  );
});

test('a certificate for another name is refused with the names that it has', async () => {
  const { tls } = await createTestCertificates();
  await using webhook = await startTestWebhook(tls, () => ({}));
  using test = createClient();
  const clientConfig = { url: webhook.url, caBundle: base64(tls.ca) };
  const error = await test.failing({ clientConfig, tls: { serverName: 'hook.tools.svc' } });
  assert.equal(
    error.message,
    `Post "${webhook.url}/?timeout=10s": tls: failed to verify certificate: x509: certificate is valid for localhost, not hook.tools.svc`,
  );
});

test('a slow webhook ends with the timeout, and with the request for which it was asked', async () => {
  const { tls } = await createTestCertificates();
  const request = new AbortController();
  let calls = 0;
  await using webhook = await startTestWebhook(tls, () => {
    calls++;
    if (calls === 2) request.abort();
    return undefined;
  });
  using test = createClient();
  const clientConfig = { url: webhook.url, caBundle: base64(tls.ca) };
  const late = await test.failing({ clientConfig, timeoutMs: 300 });
  assert.deepEqual(
    [late.code, late.message],
    ['timeout', `Post "${webhook.url}/?timeout=1s": context deadline exceeded`],
  );
  const cancelled = await test.failing({ clientConfig, signal: request.signal });
  assert.deepEqual(
    [cancelled.code, cancelled.message],
    ['cancelled', `Post "${webhook.url}/?timeout=10s": context canceled`],
  );
});

test('answers that are no success, no JSON or too long are told apart', async () => {
  const { tls } = await createTestCertificates();
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    message: 'go away',
    reason: 'Forbidden',
    code: 403,
  };
  const answers: Record<string, { code: number; text: string; type?: string }> = {
    '/500': { code: 500, text: 'broken\n' },
    '/404': { code: 404, text: 'not found' },
    '/503': { code: 503, text: '' },
    '/302': { code: 302, text: '' },
    '/status': { code: 500, text: JSON.stringify(status), type: 'application/json' },
    '/text': { code: 200, text: 'hello' },
    '/long': { code: 200, text: JSON.stringify('x'.repeat(2000)) },
  };
  await using webhook = await startTestWebhook(tls, ({ path }, response) => {
    const { code, text, type = 'text/plain' } = answers[path.split('?')[0]!]!;
    response.writeHead(code, { 'content-type': type }).end(text);
    return undefined;
  });
  using test = createClient();
  const ask = (path: string) =>
    test.failing({ clientConfig: { url: webhook.url, caBundle: base64(tls.ca) }, path, maxResponseBytes: 1000 });
  const table: readonly [string, WebhookCallError['code'], string | RegExp, number | undefined][] = [
    ['/500', 'refused', 'an error on the server ("broken") has prevented the request from succeeding', 500],
    ['/404', 'refused', 'the server could not find the requested resource', 404],
    ['/503', 'refused', 'the server is currently unable to handle the request', 503],
    ['/302', 'refused', 'the server responded with the status code 302 but did not return more information', 302],
    ['/status', 'refused', 'go away', 403],
    ['/text', 'unreadable', /^couldn't get version\/kind; json parse error: /, undefined],
    ['/long', 'unreadable', 'the response body is larger than 1000 bytes', undefined],
  ];
  for (const [path, code, message, answered] of table) {
    const error = await ask(path);
    assert.equal(error.code, code, path);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    assert.equal(error.answered?.status.code, answered, path);
  }
});

test('a kept connection that the webhook closed meanwhile is replaced', async () => {
  const { tls } = await createTestCertificates();
  await using webhook = await startTestWebhook(tls, ({ body }, response) => {
    if (body.last) return { ok: true };
    response.end('{}');
    response.socket?.destroySoon();
    return undefined;
  });
  using test = createClient();
  const clientConfig = { url: webhook.url, caBundle: base64(tls.ca) };
  await test.client.call({ clientConfig, body: {}, timeoutMs: 10_000 });
  assert.deepEqual(await test.client.call({ clientConfig, body: { last: true }, timeoutMs: 10_000 }), { ok: true });
});
