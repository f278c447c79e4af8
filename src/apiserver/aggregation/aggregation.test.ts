import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { before, test } from 'node:test';
import { connect } from 'node:tls';
import { behaviours, createScheme } from '#api';
import { createMeter, createRandom, createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import { createClient, createHandlerTransport } from '#client';
import { createTestCertificates } from '#wire/testing';
import { parseRequestInfo } from '../request-info.ts';
import { callHandler, startTestApiServer, type TestServer } from '../testing.ts';
import { type Aggregation, createAggregation } from './aggregation.ts';
import { type BackendAnswer, handled, startTestBackend } from './testing.ts';

type Certificates = Awaited<ReturnType<typeof createTestCertificates>>;
let backendCertificates: Certificates;
let frontProxy: Certificates;
before(async () => {
  [backendCertificates, frontProxy] = await Promise.all([
    createTestCertificates(['fruit.default.svc']),
    createTestCertificates(),
  ]);
});

const root = '/apis/fruit.example.com/v1';
const apples = `${root}/namespaces/default/apples`;
const resourceList = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: 'fruit.example.com/v1',
  resources: [
    {
      name: 'apples',
      singularName: 'apple',
      namespaced: true,
      kind: 'Apple',
      verbs: ['get', 'list'],
      shortNames: ['ap'],
    },
    { name: 'apples/status', singularName: '', namespaced: true, kind: 'Apple', verbs: ['get'] },
  ],
};

const startBackend = (answer: BackendAnswer = () => undefined) =>
  startTestBackend({ ...backendCertificates.tls, ca: frontProxy.tls.ca }, (request, response) =>
    request.url === root ? resourceList : answer(request, response),
  );

interface Fixture extends AsyncDisposable {
  readonly api: TestServer;
  readonly aggregation: Aggregation;
  readonly post: (path: string, object: unknown) => Promise<void>;
  /** Registers fruit.example.com/v1 at a port of this machine and waits for the condition. */
  register(port: number, options?: { reason?: string; spec?: Record<string, unknown> }): Promise<void>;
  /** Waits until the condition Available of an APIService has the reason; gives its message. */
  until(name: string, reason: string): Promise<string>;
}

async function startServer(listen = false): Promise<Fixture> {
  const { promise, resolve } = Promise.withResolvers<Aggregation>();
  const { cert, key } = await frontProxy.client('front-proxy');
  const api = await startTestApiServer({
    ...(listen && { listen: { host: '127.0.0.1', port: 0, tls: backendCertificates.tls } }),
    extend: ({ reader }) => {
      const deps = { reader, clock: createSystemClock(), random: createRandom(), log: createRecordingLog() };
      const aggregation = createAggregation({ ...deps, meter: createMeter(), identity: { cert, key } });
      resolve(aggregation);
      return { aggregation };
    },
  });
  const aggregation = await promise;
  const transport = createHandlerTransport(api.handler, { name: 'system:apiserver', groups: ['system:masters'] });
  const client = createClient({ transport, userAgent: 'test', fieldManager: 'test' });
  const scheme = createScheme(behaviours);
  await aggregation.start(client, () => scheme);
  const post = async (path: string, object: unknown) => {
    const answer = await api.call('POST', path, { body: object });
    assert.equal(answer.status, 201, answer.text);
  };
  const until = async (name: string, reason: string) => {
    using watch = api.watch(`/apis/apiregistration.k8s.io/v1/apiservices?watch=1&fieldSelector=metadata.name=${name}`);
    for (;;) {
      const { object } = await watch.next();
      const found = object.status?.conditions?.find((one: { type: string }) => one.type === 'Available');
      if (found?.reason === reason) return found.message;
    }
  };
  await post('/api/v1/namespaces', { metadata: { name: 'default' } });
  return {
    api,
    aggregation,
    post,
    until,
    async register(port, options = {}) {
      const spec = { type: 'ExternalName', externalName: '127.0.0.1' };
      await post('/api/v1/namespaces/default/services', { metadata: { name: 'fruit' }, spec });
      await post('/apis/apiregistration.k8s.io/v1/apiservices', apiService(port, options.spec));
      await until('v1.fruit.example.com', options.reason ?? 'Passed');
    },
    async [Symbol.asyncDispose]() {
      await aggregation[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

function apiService(port: number, spec: Record<string, unknown> = {}) {
  return {
    metadata: { name: 'v1.fruit.example.com' },
    spec: {
      group: 'fruit.example.com',
      version: 'v1',
      groupPriorityMinimum: 2000,
      versionPriority: 10,
      service: { name: 'fruit', namespace: 'default', port },
      caBundle: Buffer.from(backendCertificates.tls.ca).toString('base64'),
      ...spec,
    },
  };
}

test('every built-in group version has a local APIService from the start', async () => {
  await using server = await startServer();
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
  await using server = await startServer();
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
  await using backend = await startBackend(({ method, url, body }) => ({ method, url, body }));
  await using server = await startServer();
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
  await using backend = await startBackend(({ url }, response) => {
    if (!url.startsWith(apples)) return undefined;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"type":"ADDED","object":{"n":1}}\n');
    open.resolve(response);
    return handled;
  });
  await using server = await startServer();
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
  await using backend = await startBackend();
  backend.onUpgrade = (request, socket) => {
    assert.equal(request.headers['x-remote-user'], 'test-admin');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  };
  await using server = await startServer(true);
  await server.register(backend.port);
  const socket = connect({
    port: server.api.server.port!,
    host: '127.0.0.1',
    ca: backendCertificates.tls.ca,
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

test('discovery shows what other servers serve, by priority, and Stale when they are gone', async () => {
  const backend = await startBackend();
  await using server = await startServer();
  await server.register(backend.port);
  const groups = (await server.api.call('GET', '/apis')).json.groups.map((group: { name: string }) => group.name);
  assert.equal(groups[0], 'apiregistration.k8s.io');
  assert.equal(groups[1], 'apps');
  assert.equal(groups.at(-1), 'fruit.example.com');
  const group = (await server.api.call('GET', '/apis/fruit.example.com')).json;
  assert.deepEqual(group.preferredVersion, { groupVersion: 'fruit.example.com/v1', version: 'v1' });
  assert.equal((await server.api.call('GET', root)).json.resources.length, 2);
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const discovered = async (freshness: string) => {
    for (;;) {
      const { items } = (await server.api.call('GET', '/apis', { headers: { accept } })).json;
      const version = items.at(-1).versions[0];
      if (version.freshness === freshness) return version;
      await new Promise(resolve => setImmediate(resolve));
    }
  };
  const version = await discovered('Current');
  assert.deepEqual(version.resources, [
    {
      resource: 'apples',
      responseKind: { group: 'fruit.example.com', version: 'v1', kind: 'Apple' },
      scope: 'Namespaced',
      singularResource: 'apple',
      verbs: ['get', 'list'],
      shortNames: ['ap'],
      subresources: [
        {
          subresource: 'status',
          responseKind: { group: 'fruit.example.com', version: 'v1', kind: 'Apple' },
          verbs: ['get'],
        },
      ],
    },
  ]);
  await backend[Symbol.asyncDispose]();
  // A change has the server asked again.
  const path = '/apis/apiregistration.k8s.io/v1/apiservices/v1.fruit.example.com';
  await server.api.call('PATCH', path, {
    body: { metadata: { labels: { a: 'b' } } },
    headers: { 'content-type': 'application/merge-patch+json' },
  });
  assert.match(await server.until('v1.fruit.example.com', 'FailedDiscoveryCheck'), /connect: connection refused$/);
  assert.equal((await discovered('Stale')).resources.length, 1);
  const answer = await server.api.call('GET', apples);
  assert.equal(answer.status, 503);
  assert.equal(answer.text, 'service unavailable\n');
});

test('a higher priority moves a group to the front', async () => {
  await using backend = await startBackend();
  await using server = await startServer();
  await server.register(backend.port, { spec: { groupPriorityMinimum: 17900 } });
  const groups = (await server.api.call('GET', '/apis')).json.groups.map((group: { name: string }) => group.name);
  assert.deepEqual(groups.slice(0, 3), ['apiregistration.k8s.io', 'fruit.example.com', 'apps']);
});

test('OpenAPI of other servers is part of the whole', async () => {
  const v2 = {
    swagger: '2.0',
    paths: { [`${root}/apples`]: { get: { schema: { $ref: '#/definitions/Apple' } } }, '/other/': {} },
    definitions: {
      Apple: { properties: { worm: { $ref: '#/definitions/Worm' } } },
      Worm: { type: 'object' },
      Unused: {},
    },
  };
  const entry = { serverRelativeURL: '/openapi/v3/apis/fruit.example.com/v1?hash=ABC' };
  await using backend = await startBackend(({ url }) => {
    if (url === '/openapi/v2') return v2;
    if (url === '/openapi/v3') return { paths: { 'apis/fruit.example.com/v1': entry, 'apis/apps/v1': {} } };
    if (url.startsWith('/openapi/v3/apis/fruit.example.com/v1')) return { openapi: '3.0.0' };
    return undefined;
  });
  await using server = await startServer();
  await server.register(backend.port);
  let index: { paths: Record<string, { serverRelativeURL: string }> };
  do {
    await new Promise(resolve => setImmediate(resolve));
    index = (await server.api.call('GET', '/openapi/v3')).json;
  } while (!index.paths['apis/fruit.example.com/v1']);
  assert.deepEqual(index.paths['apis/fruit.example.com/v1'], entry);
  assert.match(index.paths['apis/apps/v1']!.serverRelativeURL, /hash=/);
  assert.deepEqual((await server.api.call('GET', entry.serverRelativeURL)).json, { openapi: '3.0.0' });
  const merged = (await server.api.call('GET', '/openapi/v2')).json;
  assert.ok(merged.paths[`${root}/apples`]);
  assert.ok(merged.paths['/apis/apps/v1/deployments']);
  assert.ok(merged.definitions.Worm && !merged.definitions.Unused && !merged.paths['/other/']);
});

test('a wrong certificate is not believed, unless the APIService says so', async () => {
  await using backend = await startBackend(() => ({ ok: true }));
  await using server = await startServer();
  const caBundle = Buffer.from(frontProxy.tls.ca).toString('base64');
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
  await using backend = await startBackend(({ url }) => {
    if (!url.startsWith(apples)) return undefined;
    waiting.resolve();
    return handled;
  });
  await using server = await startServer();
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
  await using backend = await startBackend(() => ({ ok: true }));
  await using server = await startServer();
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
