/** Logs, streams and watches over TLS, in front of a small HTTPS server that plays a kubelet. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { type SecureApi, startSecureApi } from './fixture.ts';

let api: SecureApi;
let kubelet: ReturnType<typeof createServer>;
let asked: string[] = [];
const path = '/api/v1/namespaces/a/pods';

/** `tailLines` says what to answer: more than fits in one piece, a status, or a few lines. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  asked.push(request.url!);
  const lines = Number(new URL(request.url!, 'https://kubelet').searchParams.get('tailLines') ?? 2);
  if (lines >= 400) return void response.writeHead(lines).end('words of the kubelet\n');
  response.write('first ü\n');
  if (!request.url!.includes('follow')) response.end('second\n');
}

before(async () => {
  api = await startSecureApi();
  kubelet = createServer(api.tls, answer);
  kubelet.listen(0);
  await once(kubelet, 'listening');
  await api.put('/api/v1/namespaces', { metadata: { name: 'a' } }).catch(() => undefined);
  await api.put('/api/v1/namespaces/a/serviceaccounts', { metadata: { name: 'default' } });
  for (const [name, Port] of [
    ['n', (kubelet.address() as AddressInfo).port],
    ['dead', 1],
  ] as const) {
    const node = await api.put('/api/v1/nodes', { metadata: { name } });
    const status = {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port } },
    };
    await api.put(`/api/v1/nodes/${name}/status`, { ...node, status }, 'PUT');
  }
  const container = (name: string) => ({ name, image: 'x' });
  const one = [container('c')];
  await api.put(path, { metadata: { name: 'p' }, spec: { nodeName: 'n', containers: one } });
  await api.put(path, { metadata: { name: 'lost' }, spec: { nodeName: 'dead', containers: one } });
  await api.put(path, { metadata: { name: 'alone' }, spec: { containers: one } });
  const annotations = { 'kubectl.kubernetes.io/default-container': 'c' };
  const two = { containers: [container('c'), container('d')], initContainers: [container('i')] };
  await api.put(path, { metadata: { name: 'two', annotations }, spec: { nodeName: 'n', ...two } });
});
after(async () => {
  await api?.[Symbol.asyncDispose]();
  kubelet?.closeAllConnections();
  kubelet?.close();
});

test('logs come as they are, and options arrive', async () => {
  asked = [];
  const query = 'tailLines=3&timestamps=true&pretty=true';
  const { status, text, headers } = await api.send({ path: `${path}/p/log?${query}` });
  assert.deepEqual([status, text, headers['content-type']], [200, 'first ü\nsecond\n', 'text/plain']);
  assert.deepEqual(asked, ['/containerLogs/a/p/c?timestamps=true&tailLines=3']);
});

test('what goes wrong with logs and streams is told in the words of upstream', async () => {
  const dead = 'dial tcp 127.0.0.1:1: connect: connection refused';
  const cases: [rest: string, status: number, message: string][] = [
    ['p/log?tailLines=400', 400, 'words of the kubelet'],
    ['p/log?tailLines=404', 404, 'the server could not find the requested resource ( pods/log p)'],
    ['p/log?tailLines=500', 500, 'Internal error occurred: words of the kubelet'],
    ['lost/log', 500, `Get "https://127.0.0.1:1/containerLogs/a/lost/c?": ${dead}`],
    ['none/log', 404, 'pods "none" not found'],
    ['p/log?container=x', 400, 'container x is not valid for pod p'],
    ['two/log', 400, 'a container name must be specified for pod two, choose one of: [i c d]'],
    ['p/exec?command=x', 400, 'Upgrade request required'],
    ['p/portforward', 400, 'Upgrade request required'],
    ['alone/exec?command=x', 400, 'pod alone does not have a host assigned'],
  ];
  for (const [rest, wanted, message] of cases) {
    const { status, json } = await api.send({ path: `${path}/${rest}` });
    assert.deepEqual([status, json.message], [wanted, message], rest);
  }
  const upgrade = { connection: 'Upgrade', upgrade: 'SPDY/3.1' };
  const { status, json } = await api.send({ method: 'POST', path: `${path}/lost/exec?command=x`, headers: upgrade });
  assert.deepEqual([status, json.message], [500, `error dialing backend: ${dead}`]);
});

test('a pod that runs nowhere yet has no logs, which is no failure', async () => {
  const { status, text } = await api.send({ path: `${path}/alone/log` });
  assert.deepEqual([status, text], [204, '']);
});

test('logs and streams are asked for with the methods that upstream knows', async () => {
  for (const [method, rest] of [
    ['POST', 'p/log'],
    ['PUT', 'p/exec'],
    ['DELETE', 'p/attach'],
    ['PATCH', 'p/portforward'],
  ] as const) {
    const { status } = await api.send({ method, path: `${path}/${rest}` });
    assert.equal(status, 405, `${method} ${rest}`);
  }
});

async function open(rest: string, protocols: string[]): Promise<{ socket: WebSocket; messages: Buffer[] }> {
  const { certificate: cert, key } = api.admin.pair!;
  const socket = new WebSocket(
    `wss://127.0.0.1:${api.port}${rest.startsWith('/') ? '' : `${path}/`}${rest}`,
    protocols,
    { ca: api.ca, cert, key },
  );
  const messages: Buffer[] = [];
  socket.on('message', (message: Buffer) => messages.push(message));
  await once(socket, 'open');
  return { socket, messages };
}

test('logs come as messages of a WebSocket, in bytes or base64', async () => {
  for (const protocols of [[], ['binary.k8s.io'], ['base64.binary.k8s.io', 'other']]) {
    const { socket, messages } = await open('p/log', protocols);
    const [code] = await once(socket, 'close');
    assert.equal(socket.protocol, protocols[0] ?? '');
    assert.equal(messages[0]!.length, 0, 'the first message says that the connection is there');
    const isText = protocols[0]?.startsWith('base64') ?? false;
    const words = messages.map(message => (isText ? Buffer.from(String(message), 'base64') : message));
    assert.deepEqual([code, Buffer.concat(words).toString()], [1000, 'first ü\nsecond\n']);
  }
  await assert.rejects(open('p/log', ['other']), /400/);
  await assert.rejects(open('p/log?tailLines=404', []), /404/);
});

test('a reader that leaves ends what the kubelet follows', async () => {
  const followed = once(kubelet, 'request') as Promise<[IncomingMessage, ServerResponse]>;
  const { socket } = await open('p/log?follow=true', []);
  const [, response] = await followed;
  const closed = once(response, 'close');
  await once(socket, 'message');
  socket.terminate();
  await closed;
});

test('a watch comes as messages of a WebSocket, an event in each', async () => {
  const maps = '/api/v1/namespaces/a/configmaps';
  const big = 'x'.repeat(200_000);
  await api.put(maps, { metadata: { name: 'big' }, data: { big } });
  for (const [query, protocols] of [
    ['?watch=true', []],
    ['?watch=1&allowWatchBookmarks=true', ['base64url.bearer.authorization.k8s.io.eA', 'base64.binary.k8s.io']],
  ] as const) {
    const { socket, messages } = await open(`${maps}${query}`, [...protocols]);
    const read = async (count: number) => {
      while (messages.length < count) await once(socket, 'message');
      return messages.slice(0, count).map(message => JSON.parse(String(message)));
    };
    const [first] = await read(1);
    assert.deepEqual([first.type, first.object.data], ['ADDED', { big }]);
    await api.put(maps, { metadata: { name: 'small' } });
    await api.send({ method: 'DELETE', path: `${maps}/small` });
    const types = (await read(3)).map(({ type, object }) => `${type} ${object.metadata.name}`);
    assert.deepEqual(types, ['ADDED big', 'ADDED small', 'DELETED small']);
    socket.close();
    const [code] = await once(socket, 'close');
    assert.equal(code, 1000);
    assert.equal(socket.protocol, protocols.at(-1) ?? '');
  }
  const { socket, messages } = await open(`${maps}?watch=1&resourceVersion=1&timeoutSeconds=1`, []);
  const [code] = await once(socket, 'close');
  assert.ok(messages.length > 0);
  assert.equal(code, 1000, 'its time was over');
  const { text } = await api.send({ path: '/metrics' });
  assert.match(text, /^apiserver_registered_watchers\{group="",resource="configmaps"\} 0$/m, 'nobody watches now');
  await assert.rejects(open(`${maps}?watch=1&resourceVersion=x`, []), /400/);
});
