/** The proxy subresource over TLS, in front of a small HTTP server that plays a pod. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type SecureApi, startSecureApi } from './fixture.ts';

let api: SecureApi;
let proxy: string;
/** Pods are not proxied to at addresses of the machine itself, so this one has one that others could reach. */
const address = Object.values(networkInterfaces())
  .flatMap(list => list ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
const skip = address ? false : 'this machine has no address but its own loopback';
const pod = createServer((request, response) => void answer(request, response));
pod.on('upgrade', (request, socket) => {
  if (request.headers.upgrade === 'nothing') return void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  if (request.headers.upgrade === 'no')
    return void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope');
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
    case '/cookies':
      response.writeHead(200, [
        ...['set-cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'set-cookie', 'b=2'],
        ...['connection', 'close, x-hop', 'x-hop', 'one', 'x-far', 'all'],
      ]);
      response.end();
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

let port: number;
/** A pod in namespace `a` that has this address. */
async function putPod(name: string, ip: string): Promise<void> {
  const spec = { containers: [{ name: 'c', image: 'x', ports: [{ containerPort: port }] }] };
  const made = await api.put('/api/v1/namespaces/a/pods', { metadata: { name }, spec });
  const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }] };
  await api.put(`/api/v1/namespaces/a/pods/${name}/status`, { ...made, status }, 'PUT');
}

before(async () => {
  pod.listen(0);
  await once(pod, 'listening');
  api = await startSecureApi();
  port = (pod.address() as AddressInfo).port;
  await api.put('/api/v1/namespaces', { metadata: { name: 'a' } }).catch(() => undefined);
  await api.put('/api/v1/namespaces/a/serviceaccounts', { metadata: { name: 'default' } });
  await putPod('p', address ?? '192.0.2.1');
  proxy = '/api/v1/namespaces/a/pods/p/proxy';
});
after(async () => {
  await api?.[Symbol.asyncDispose]();
  pod.close();
});

describe('proxies', { skip }, () => {
  test('every method, the query, headers and bodies arrive; credentials do not', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'OPTIONS']) {
      const body = method === 'GET' || method === 'OPTIONS' ? undefined : 'some words';
      const headers = { 'x-mine': 'here', 'content-type': 'text/plain', 'x-forwarded-for': '203.0.113.9' };
      const { status, json, headers: said } = await api.send({ method, path: `${proxy}/a%20b/c?d=e&f`, headers, body });
      assert.equal(status, 200, method);
      assert.deepEqual([json.method, json.url, json.body], [method, '/a%20b/c?d=e&f', body ?? '']);
      assert.equal(json.headers['x-mine'], 'here');
      assert.equal(json.headers.authorization, undefined);
      assert.equal(json.headers.host, `127.0.0.1:${api.port}`);
      assert.equal(json.headers['transfer-encoding'], undefined);
      assert.equal(json.headers['content-length'], body && String(body.length));
      assert.equal(json.headers['x-forwarded-for'], '203.0.113.9, 127.0.0.1');
      assert.equal(json.headers['x-forwarded-uri'], `${proxy}/a%20b/c`);
      assert.equal(said['x-own'], 'yes');
    }
    assert.equal((await api.send({ method: 'DELETE', path: `${proxy}/x` })).status, 204);
    const head = await api.send({ method: 'HEAD', path: `${proxy}/x` });
    assert.deepEqual([head.status, head.text], [200, '']);
  });

  test('what the client said to the API server alone stays there', async () => {
    const { json } = await api.send({
      path: `${proxy}/x`,
      headers: {
        ...{ 'impersonate-user': 'test-admin', 'impersonate-group': 'system:masters', 'x-remote-user': 'root' },
        ...{ connection: 'close, x-hop', 'x-hop': 'one', 'proxy-authorization': 'secret', cookie: 'a=b' },
      },
    });
    const names = Object.keys(json.headers);
    assert.deepEqual(
      names.filter(name => /^(?:impersonate|x-remote|x-hop|proxy-|authorization)/.test(name)),
      [],
    );
    assert.equal(json.headers.cookie, 'a=b');
  });

  test('a body in chunks arrives, with any method', async () => {
    const headers = { 'transfer-encoding': 'chunked' };
    const { json } = await api.send({ method: 'GET', path: `${proxy}/x`, headers, body: 'a search' });
    assert.deepEqual([json.method, json.body, json.headers['transfer-encoding']], ['GET', 'a search', 'chunked']);
  });

  test('cookies stay apart, and headers about one connection stay behind', async () => {
    const { headers } = await api.send({ path: `${proxy}/cookies` });
    assert.deepEqual(headers['set-cookie'], ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2']);
    assert.deepEqual([headers['x-hop'], headers['x-far']], [undefined, 'all']);
    const session = await api.http2();
    try {
      const stream = session.request({ ':path': `${proxy}/cookies` });
      const [answered] = await once(stream, 'response');
      assert.equal(answered['set-cookie'].length, 2);
    } finally {
      session.close();
    }
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

  test('a token among the protocols of a WebSocket is not told to the pod', async () => {
    const seen = Promise.withResolvers<IncomingMessage>();
    pod.once('upgrade', request => seen.resolve(request));
    const socket = await api.socket();
    const protocols = 'chat, base64url.bearer.authorization.k8s.io.c2VjcmV0';
    socket.write(
      `GET ${proxy}/chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: shout\r\nSec-WebSocket-Protocol: ${protocols}\r\n\r\n`,
    );
    const { headers } = await seen.promise;
    assert.equal(headers['sec-websocket-protocol'], 'chat');
    assert.equal(headers['x-forwarded-for'], '127.0.0.1');
    socket.destroy();
  });

  test('a target that does not upgrade is heard when it refuses', async () => {
    const ask = async (upgrade: string) => {
      const socket = await api.socket();
      socket.write(`GET ${proxy}/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`);
      return text(socket);
    };
    assert.match(await ask('no'), /^HTTP\/1\.1 403 [\s\S]*\r\n\r\nnope$/);
    assert.match(await ask('nothing'), /^HTTP\/1\.1 500 [\s\S]*invalid upgrade response: status code 200/);
  });

  test('addresses of the machine itself are not proxied to', async () => {
    for (const [name, ip] of [
      ['loopback', '127.0.0.1'],
      ['link', '169.254.169.254'],
      ['six', '::1'],
    ] as const) {
      await putPod(name, ip);
      const { status, json } = await api.send({ path: `/api/v1/namespaces/a/pods/${name}/proxy/` });
      assert.deepEqual([status, json.message], [400, 'address not allowed'], name);
    }
    await api.put('/api/v1/nodes', { metadata: { name: 'n' } });
    const node = (await api.send({ path: '/api/v1/nodes/n' })).json;
    const status = { addresses: [{ type: 'Hostname', address: 'localhost' }] };
    await api.put('/api/v1/nodes/n/status', { ...node, status }, 'PUT');
    const refused = await api.send({ path: `/api/v1/nodes/n:${port}/proxy/` });
    assert.deepEqual([refused.status, refused.json.message], [400, 'address not allowed']);
  });

  test('a node is its kubelet, or what listens there on another port', async () => {
    const kubelet = createSecureServer(api.tls, (_, response) => void response.end('the kubelet'));
    kubelet.listen(0);
    await once(kubelet, 'listening');
    try {
      const kubeletPort = (kubelet.address() as AddressInfo).port;
      await api.put('/api/v1/nodes', { metadata: { name: 'm' } });
      const node = (await api.send({ path: '/api/v1/nodes/m' })).json;
      const addresses = [{ type: 'Hostname', address: 'localhost' }];
      const daemonEndpoints = { kubeletEndpoint: { Port: kubeletPort } };
      await api.put('/api/v1/nodes/m/status', { ...node, status: { addresses, daemonEndpoints } }, 'PUT');
      for (const name of ['m', `m:${kubeletPort}`, `http:m:${kubeletPort}`]) {
        assert.equal((await api.send({ path: `/api/v1/nodes/${name}/proxy/x` })).text, 'the kubelet', name);
      }
      const external = [{ type: 'InternalIP', address }];
      const now = (await api.send({ path: '/api/v1/nodes/m' })).json;
      await api.put('/api/v1/nodes/m/status', { ...now, status: { addresses: external, daemonEndpoints } }, 'PUT');
      const other = await api.send({ path: `/api/v1/nodes/m:${port}/proxy/x?y` });
      assert.equal(other.json.url, '/x?y');
      const unsafe = await api.send({ path: `/api/v1/nodes/https:m:${kubeletPort}/proxy/` });
      assert.equal(unsafe.status, 503, 'the certificate is for another name');
    } finally {
      kubelet.close();
    }
  });

  test('a service is one of its ready pods, by the name or the number of its port', async () => {
    await putPod('s1', address!);
    const ports = [
      { name: 'http', port: 80 },
      { name: 'more', port: 81 },
    ];
    await api.put('/api/v1/namespaces/a/services', { metadata: { name: 'web' }, spec: { ports } });
    const endpoint = (pod: string, at: string, ready = true) => ({
      addresses: [at],
      conditions: { ready },
      targetRef: { kind: 'Pod', namespace: 'a', name: pod },
    });
    await api.put('/apis/discovery.k8s.io/v1/namespaces/a/endpointslices', {
      metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port }],
      // Of these only the first is ready, has a pod, and is where its pod is.
      endpoints: [
        endpoint('s1', address!),
        endpoint('s1', '192.0.2.77'),
        endpoint('none', '192.0.2.78'),
        endpoint('s1', '192.0.2.79', false),
        { addresses: ['192.0.2.80'] },
      ],
    });
    const path = '/api/v1/namespaces/a/services';
    for (const name of ['web:http', 'web:80', 'http:web:http', 'http:web:80']) {
      const { json } = await api.send({ path: `${path}/${name}/proxy/x` });
      assert.equal(json?.url, '/x', name);
    }
    // Both ports have names, and none that has none is there.
    for (const name of ['web', 'web:more', 'web:81']) {
      const { status, json } = await api.send({ path: `${path}/${name}/proxy/x` });
      assert.deepEqual([status, json.message], [503, `no endpoints available for service "${name}"`]);
    }
  });

  test('what cannot be reached says so', async () => {
    const refused = await api.send({ path: '/api/v1/namespaces/a/pods/p:1/proxy/' });
    assert.equal(refused.status, 503);
    assert.match(
      refused.json.message,
      /^error trying to reach service: dial tcp [\d.]+:1: connect: connection refused$/,
    );
    const path = '/api/v1/namespaces/a/services';
    await api.put(path, { metadata: { name: 's' }, spec: { ports: [{ name: 'http', port: 80 }] } });
    const cases: [name: string, status: number, message: RegExp][] = [
      ['s', 503, /^no endpoints available for service "s"$/],
      ['https:s:http', 503, /^no endpoints available for service "s"$/],
      ['s:other', 503, /^no endpoints available for service "s"$/],
      ['s:8080', 503, /^no service port 8080 found for service "s"$/],
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
});
