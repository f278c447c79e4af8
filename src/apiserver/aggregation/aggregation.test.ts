import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { before, test } from 'node:test';
import { connect } from 'node:tls';
import { parseRequestInfo } from '../request-info.ts';
import { callHandler } from '../testing.ts';
import { type AggregationSetup, apples, createAggregationSetup } from './testing/setup.ts';
import { handled } from './testing.ts';

let setup: AggregationSetup;
before(async () => {
  setup = await createAggregationSetup();
});

test('every built-in group version has a local APIService from the start', async () => {
  await using server = await setup.startServer();
  const { items } = (await server.api.call('GET', '/apis/apiregistration.k8s.io/v1/apiservices')).json;
  // biome-ignore lint/suspicious/noExplicitAny: objects as they came.
  const byName = new Map(items.map((item: any) => [item.metadata.name, item]));
  // biome-ignore lint/suspicious/noExplicitAny: objects as they came.
  const apps: any = byName.get('v1.apps');
  assert.equal(apps.metadata.labels['kube-aggregator.kubernetes.io/automanaged'], 'onstart');
  assert.deepEqual(apps.spec, { group: 'apps', version: 'v1', groupPriorityMinimum: 17800, versionPriority: 15 });
  assert.equal(apps.status.conditions[0].reason, 'Local');
  assert.ok(byName.has('v1.'));
  assert.ok(!byName.has('v1.apiregistration.k8s.io'));
});

test('custom resources have an APIService for as long as they are served, and it cannot be lost', async () => {
  await using server = await setup.startServer();
  const schema = { openAPIV3Schema: { type: 'object' } };
  const version = (name: string, served: boolean) => ({ name, served, storage: name === 'v1', schema });
  const spec = {
    group: 'tools.example.com',
    scope: 'Cluster',
    names: { plural: 'saws', singular: 'saw', kind: 'Saw', listKind: 'SawList' },
    versions: [version('v1', true), version('v2', false)],
  };
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  await server.post(definitions, { metadata: { name: 'saws.tools.example.com' }, spec });
  await server.until('v1.tools.example.com', 'Local');
  const path = '/apis/apiregistration.k8s.io/v1/apiservices';
  const { metadata, spec: written } = (await server.api.call('GET', `${path}/v1.tools.example.com`)).json;
  assert.equal(metadata.labels['kube-aggregator.kubernetes.io/automanaged'], 'true');
  assert.deepEqual([written.groupPriorityMinimum, written.versionPriority], [1000, 100]);
  assert.equal((await server.api.call('GET', `${path}/v2.tools.example.com`)).status, 404);
  using watch = server.api.watch(`${path}?watch=1&fieldSelector=metadata.name=v1.tools.example.com`);
  assert.equal((await watch.next()).type, 'ADDED');
  await server.api.call('DELETE', `${path}/v1.tools.example.com`);
  assert.equal((await watch.next()).type, 'DELETED');
  assert.equal((await watch.next()).type, 'ADDED', 'made again');
  const merge = { 'content-type': 'application/merge-patch+json' };
  const body = { spec: { versions: [version('v1', false), version('v2', true)] } };
  const patched = await server.api.call('PATCH', `${definitions}/saws.tools.example.com`, { body, headers: merge });
  assert.equal(patched.status, 200, patched.text);
  for (let event = await watch.next(); event.type !== 'DELETED'; ) event = await watch.next();
  await server.until('v2.tools.example.com', 'Local');
});

test('a request goes to the server of its APIService, with who asks and without credentials', async () => {
  await using backend = await setup.startBackend(({ method, url, body }) => ({ method, url, body }));
  await using server = await setup.startServer();
  await server.register(backend.port);
  const answer = await callHandler(
    request =>
      server.api.handler({ ...request, peer: { address: '10.1.1.1', user: { name: 'jane', groups: ['a', 'b'] } } }),
    {
      method: 'POST',
      path: `${apples}?dryRun=All`,
      body: { kind: 'Apple' },
      headers: {
        authorization: 'Bearer secret',
        'x-remote-user': 'root',
        'x-remote-extra-x': '1',
        'impersonate-foo': 'x',
      },
    },
  );
  assert.deepEqual(answer.json, { method: 'POST', url: `${apples}?dryRun=All`, body: '{"kind":"Apple"}' });
  const { headers, rawHeaders, client } = backend.requests.at(-1)!;
  assert.deepEqual(client, { name: 'front-proxy', isTrusted: true });
  assert.equal(headers['x-remote-user'], 'jane');
  assert.deepEqual(
    rawHeaders.filter((_, at) => rawHeaders[at - 1] === 'X-Remote-Group'),
    ['a', 'b'],
  );
  assert.equal(headers['x-remote-extra-x'], undefined);
  assert.equal(headers['authorization'], undefined);
  assert.equal(headers['impersonate-foo'], undefined);
  assert.equal(headers['x-forwarded-for'], '10.1.1.1');
  assert.equal(headers.host, 'fruit.default.svc');
});

test('a watch comes through event by event and its end reaches the server behind', async () => {
  const open = Promise.withResolvers<ServerResponse>();
  await using backend = await setup.startBackend(({ url }, response) => {
    if (!url.startsWith(apples)) return undefined;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"type":"ADDED","object":{"n":1}}\n');
    open.resolve(response);
    return handled;
  });
  await using server = await setup.startServer();
  await server.register(backend.port);
  const watch = server.api.watch(`${apples}?watch=1`);
  const over = watch.ended.catch(() => undefined);
  assert.equal((await watch.next()).object.n, 1);
  const response = await open.promise;
  response.write('{"type":"MODIFIED","object":{"n":2}}\n');
  assert.equal((await watch.next()).object.n, 2);
  const closed = once(response, 'close');
  watch[Symbol.dispose]();
  await closed;
  await over;
});

test('an upgrade becomes a stream between the client and the server behind', async () => {
  await using backend = await setup.startBackend();
  backend.onUpgrade = (request, socket) => {
    assert.equal(request.headers['x-remote-user'], 'test-admin');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  };
  await using server = await setup.startServer(true);
  await server.register(backend.port);
  const socket = connect({
    port: server.api.server.port!,
    host: '127.0.0.1',
    ca: setup.backendCertificates.tls.ca,
    servername: 'localhost',
  });
  socket.write(`POST ${apples}/a/exec HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`);
  let text = '';
  socket.setEncoding('utf8');
  const until = async (pattern: RegExp) => {
    while (!pattern.test(text)) text += (await once(socket, 'data'))[0];
  };
  await until(/101 Switching Protocols.*upgrade: echo.*\r\n\r\n/is);
  socket.write('are you there?');
  await until(/are you there\?$/);
  socket.destroy();
});

test('a wrong certificate is not believed, unless the APIService says so', async () => {
  await using backend = await setup.startBackend(() => ({ ok: true }));
  await using server = await setup.startServer();
  const caBundle = Buffer.from(setup.frontProxy.tls.ca).toString('base64');
  await server.register(backend.port, { spec: { caBundle } });
  const refused = await server.api.call('GET', apples);
  assert.equal(refused.status, 503);
  assert.match(refused.text, /^error trying to reach service: tls: failed to verify certificate: x509: /);
  const path = '/apis/apiregistration.k8s.io/v1/apiservices/v1.fruit.example.com';
  const patch = { spec: { caBundle: null, insecureSkipTLSVerify: true } };
  const headers = { 'content-type': 'application/merge-patch+json' };
  assert.equal((await server.api.call('PATCH', path, { body: patch, headers })).status, 200);
  assert.equal((await server.api.call('GET', apples)).status, 200);
});

test('a server that does not answer holds up nobody', async () => {
  const waiting = Promise.withResolvers<void>();
  await using backend = await setup.startBackend(({ url }) => {
    if (!url.startsWith(apples)) return undefined;
    waiting.resolve();
    return handled;
  });
  await using server = await setup.startServer();
  await server.register(backend.port);
  const stop = new AbortController();
  // Not an administrator: those are never counted.
  const user = { name: 'jane', groups: ['system:authenticated'] };
  const ask = (path: string, signal?: AbortSignal) =>
    callHandler(request => server.api.handler({ ...request, peer: { address: '10.1.1.1', user } }), {
      method: 'GET',
      path,
      signal,
    });
  const stuck = Array.from({ length: 700 }, () =>
    ask(apples, stop.signal).then(
      answer => answer.status,
      () => 'ended',
    ),
  );
  await waiting.promise;
  assert.equal((await ask('/api/v1/namespaces')).status, 200);
  assert.equal((await ask('/apis')).status, 200);
  stop.abort(new Error('enough'));
  await Promise.all(stuck);
});

test('a request gives its seat back when another server has it', async () => {
  await using backend = await setup.startBackend(() => ({ ok: true }));
  await using server = await setup.startServer();
  await server.register(backend.port);
  let given = 0;
  await callHandler(
    async request => {
      const info = parseRequestInfo(request.method, request.path, request.search);
      const user = { name: 'jane', groups: [] };
      const delegated = () => void given++;
      const answer = server.aggregation.route({ request, info, user, warnings: [], isServed: false, delegated });
      assert.equal(given, 1, 'before the other server answers');
      assert.ok(answer);
      return answer;
    },
    { method: 'GET', path: apples },
  );
});
