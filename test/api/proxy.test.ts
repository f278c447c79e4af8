/** The proxy subresource over TLS, in front of a small HTTP server that plays a pod. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type SecureApi, startSecureApi } from './fixture.ts';

let api: SecureApi;
let proxy: string;
const pod = createServer((request, response) => void answer(request, response));
pod.on('upgrade', (request, socket) => {
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`,
  );
  socket.on('data', chunk => socket.write(String(chunk).toUpperCase()));
  socket.on('end', () => socket.end());
});

const page = '<html><a href="/other">there</a><a href="https://example.com/">away</a></html>';

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  switch (request.url?.split('?')[0]) {
    case '/page':
      response
        .setHeader('access-control-allow-origin', '*')
        .setHeader('content-type', 'text/html; charset=utf-8')
        .end(page);
      return;
    case '/packed':
      response.setHeader('content-encoding', 'gzip').setHeader('content-type', 'text/html').end(gzipSync(page));
      return;
    case '/moved':
      response.writeHead(302, { location: '/page?x=1' }).end();
      return;
    case '/slow':
      response.write('first\n');
      setTimeout(() => response.end('second\n'), 50);
      return;
    default: {
      const { method, url, headers } = request;
      response.writeHead(method === 'DELETE' ? 204 : 200, { 'content-type': 'application/json', 'x-own': 'yes' });
      response.end(
        method === 'DELETE' ? undefined : JSON.stringify({ method, url, headers, body: await text(request) }),
      );
    }
  }
}

before(async () => {
  pod.listen(0, '127.0.0.1');
  await once(pod, 'listening');
  api = await startSecureApi();
  const { port } = pod.address() as AddressInfo;
  await api.put('/api/v1/namespaces', { metadata: { name: 'a' } }).catch(() => undefined);
  await api.put('/api/v1/namespaces/a/serviceaccounts', { metadata: { name: 'default' } });
  const spec = { containers: [{ name: 'c', image: 'x', ports: [{ containerPort: port }] }] };
  await api.put('/api/v1/namespaces/a/pods', { metadata: { name: 'p' }, spec });
  const path = '/api/v1/namespaces/a/pods/p';
  const made = (await api.send({ path })).json;
  await api.put(
    `${path}/status`,
    { ...made, status: { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] } },
    'PUT',
  );
  proxy = `${path}/proxy`;
});
after(async () => {
  await api?.[Symbol.asyncDispose]();
  pod.close();
});

test('every method, the query, headers and bodies arrive; credentials do not', async () => {
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'OPTIONS']) {
    const body = method === 'GET' || method === 'OPTIONS' ? undefined : 'some words';
    const headers = { 'x-mine': 'here', 'content-type': 'text/plain', 'x-forwarded-for': '203.0.113.9' };
    const { status, json, headers: said } = await api.send({ method, path: `${proxy}/a%20b/c?d=e&f`, headers, body });
    assert.equal(status, 200, method);
    assert.deepEqual([json.method, json.url, json.body], [method, '/a%20b/c?d=e&f', body ?? '']);
    assert.equal(json.headers['x-mine'], 'here');
    assert.equal(json.headers.authorization, undefined);
    assert.equal(json.headers['x-forwarded-for'], '203.0.113.9, 127.0.0.1');
    assert.equal(json.headers['x-forwarded-uri'], `${proxy}/a%20b/c`);
    assert.equal(said['x-own'], 'yes');
  }
  assert.equal((await api.send({ method: 'DELETE', path: `${proxy}/x` })).status, 204);
  const head = await api.send({ method: 'HEAD', path: `${proxy}/x` });
  assert.deepEqual([head.status, head.text], [200, '']);
});

test('the top of a pod is behind a slash', async () => {
  const { status, headers } = await api.send({ path: `${proxy}?x=y` });
  assert.deepEqual([status, headers['location']], [301, `${proxy}/?x=y`]);
  assert.equal((await api.send({ path: `${proxy}/` })).json.url, '/');
  assert.equal((await api.send({ method: 'POST', path: proxy, body: 'x' })).json.url, '/');
});

test('redirects and links lead through the proxy, packed or not', async () => {
  const moved = await api.send({ path: `${proxy}/moved` });
  assert.deepEqual([moved.status, moved.headers['location']], [302, `${proxy}/page?x=1`]);
  const wanted = `<html><a href="${proxy}/other">there</a><a href="https://example.com/">away</a></html>`;
  const plain = await api.send({ path: `${proxy}/page` });
  assert.equal(plain.text, wanted);
  assert.equal(plain.headers['access-control-allow-origin'], undefined);
  const packed = await api.send({ path: `${proxy}/packed`, headers: { 'accept-encoding': 'gzip' } });
  assert.deepEqual([packed.text, packed.headers['content-encoding']], [wanted, undefined]);
});

test('answers stream, and upgrades pass both ways', async () => {
  assert.equal((await api.send({ path: `${proxy}/slow` })).text, 'first\nsecond\n');
  const socket = await api.socket();
  socket.write(`GET ${proxy}/chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n`);
  let seen = '';
  for await (const chunk of socket) {
    seen += chunk;
    if (seen.endsWith('\r\n\r\n')) socket.write('hello');
    if (seen.endsWith('HELLO')) socket.end();
  }
  assert.match(seen, /^HTTP\/1\.1 101 Switching Protocols\r\n(?:.*\r\n)*upgrade: shout\r\n(?:.*\r\n)*\r\nHELLO$/i);
});

test('what cannot be reached says so', async () => {
  const refused = await api.send({ path: '/api/v1/namespaces/a/pods/p:1/proxy/' });
  assert.equal(refused.status, 503);
  assert.match(refused.json.message, /^error trying to reach service: .*ECONNREFUSED/);
  const path = '/api/v1/namespaces/a/services';
  await api.put(path, { metadata: { name: 's' }, spec: { ports: [{ name: 'http', port: 80 }] } });
  const cases: [name: string, status: number, message: RegExp][] = [
    ['s', 503, /^no endpoints available for service "s"$/],
    ['https:s:http', 503, /^no endpoints available for service "https:s:http"$/],
    ['s:other', 503, /^no service port "other" found for service "s"$/],
    ['ftp:s:80', 400, /^invalid service request "ftp:s:80"$/],
    ['a:b:c:d', 400, /^invalid service request "a:b:c:d"$/],
    ['none', 404, /^services "none" not found$/],
  ];
  for (const [name, status, message] of cases) {
    const answer = await api.send({ path: `${path}/${name}/proxy/` });
    assert.equal(answer.status, status, name);
    assert.match(answer.json.message, message);
  }
});
