import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap } from '#api';
import { resources } from '#api';
import type { Handler, Request, Response } from '#wire';
import { createClient, createHandlerTransport, isConflict, isExpired, isNotFound } from './index.ts';
import { settle } from './testing.ts';

const json = (status: number, body: unknown): Response => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(body)),
});
const status = (code: number, reason: string) =>
  json(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: `is ${reason}` });
const user = { name: 'tester', groups: ['system:masters'] };
const clientOf = (handler: Handler) =>
  createClient({ transport: createHandlerTransport(handler, user), userAgent: 'test/1' });

/** Answers each request with the next answer and keeps what was asked. */
function scripted(...answers: Response[]) {
  const asked: { line: string; body: string; headers: Request['headers'] }[] = [];
  const client = clientOf(async request => {
    const body = Buffer.from(await request.body(1 << 20)).toString();
    const query = request.search && `?${request.search}`;
    asked.push({ line: `${request.method} ${request.path}${query}`, body, headers: request.headers });
    assert.equal(request.peer.user?.name, 'tester');
    return answers.shift()!;
  });
  return { client, asked };
}

test('a watch that shares takes values as they come, and ends with the error that is one of them', async () => {
  const object = { metadata: { name: 'a', resourceVersion: '7' } };
  const expired = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 410, reason: 'Expired', message: 'old' };
  const client = clientOf(async request => {
    assert.equal(request.shares, true);
    return {
      ...{ status: 200, headers: {}, isShared: true },
      async body(sink) {
        for (const [type, value] of [
          ['ADDED', object],
          ['ERROR', expired],
        ]) {
          sink.share!({ type, object: value, length: 100 } as never);
        }
      },
    };
  });
  const events: unknown[] = [];
  const read = async () => {
    for await (const event of client.watch(resources.configmaps, { shares: true })) events.push(event);
  };
  await assert.rejects(read, isExpired);
  assert.deepEqual(events, [{ type: 'ADDED', object }]);
  assert.equal((events[0] as { object: unknown }).object, object);
});

test('each verb becomes the request that upstream clients make', async () => {
  const { client, asked } = scripted(
    ...Array.from({ length: 9 }, () => json(200, { metadata: { name: 'x' }, items: [] })),
  );
  const [ref, pods] = [{ namespace: 'a', name: 'x' }, resources.pods];
  const pod = { metadata: { namespace: 'a', name: 'x' }, spec: { containers: [] } };
  await client.get(resources.nodes, { name: 'n 1' });
  await client.list(resources.deployments, { labelSelector: 'a=b' });
  await client.create(pods, pod, { dryRun: true });
  await client.create(pods, { metadata: pod.metadata }, { subresource: 'eviction' });
  await client.update(pods, pod, { subresource: 'status', fieldManager: 'me' });
  await client.patch(pods, ref, { type: 'apply', body: {}, force: true });
  await client.delete(pods, ref, { propagationPolicy: 'Orphan', preconditions: { uid: 'u' } });
  await client.deleteCollection(pods, { namespace: 'a', fieldSelector: 'spec.nodeName=n' });
  assert.deepEqual(
    asked.map(({ line }) => line),
    [
      'GET /api/v1/nodes/n%201',
      'GET /apis/apps/v1/deployments?labelSelector=a%3Db&limit=500',
      'POST /api/v1/namespaces/a/pods?dryRun=All',
      'POST /api/v1/namespaces/a/pods/x/eviction',
      'PUT /api/v1/namespaces/a/pods/x/status?fieldManager=me',
      'PATCH /api/v1/namespaces/a/pods/x?force=true',
      'DELETE /api/v1/namespaces/a/pods/x',
      'DELETE /api/v1/namespaces/a/pods?fieldSelector=spec.nodeName%3Dn',
    ],
  );
  assert.equal(JSON.parse(asked[2]!.body).kind, 'Pod');
  assert.equal(asked[5]!.headers['content-type'], 'application/apply-patch+yaml');
  assert.equal(asked[0]!.headers['user-agent'], 'test/1');
  assert.deepEqual(JSON.parse(asked[6]!.body), {
    ...{ kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Orphan', preconditions: { uid: 'u' } },
  });
});

test('a list is read page by page, and items carry their type', async () => {
  const page = (name: string, next?: string) =>
    json(200, { metadata: { resourceVersion: '7', continue: next }, items: [{ metadata: { name } }] });
  const { client, asked } = scripted(page('a', 't1'), page('b', 't2'), page('c'));
  const list = await client.list(resources.configmaps, { resourceVersion: '0' });
  assert.deepEqual(
    list.items.map(item => `${item.apiVersion}/${item.kind}/${item.metadata.name}`),
    ['v1/ConfigMap/a', 'v1/ConfigMap/b', 'v1/ConfigMap/c'],
  );
  assert.equal(list.metadata.resourceVersion, '7');
  assert.equal(asked[0]!.line, 'GET /api/v1/configmaps?resourceVersion=0&limit=500');
  assert.equal(asked[1]!.line, 'GET /api/v1/configmaps?limit=500&continue=t1');
});

test('an expired continue token makes the list start over in one piece', async () => {
  const { client, asked } = scripted(
    json(200, { metadata: { continue: 't' }, items: [{ metadata: { name: 'old' } }] }),
    status(410, 'Expired'),
    json(200, { metadata: { resourceVersion: '9' }, items: [{ metadata: { name: 'new' } }] }),
  );
  const list = await client.list(resources.configmaps);
  assert.deepEqual(
    list.items.map(item => item.metadata.name),
    ['new'],
  );
  assert.equal(asked[2]!.line, 'GET /api/v1/configmaps');
});

test('a Status becomes an ApiError that answers questions', async () => {
  const { client } = scripted(status(404, 'NotFound'), status(409, 'Conflict'), {
    ...{ status: 503, headers: {}, body: Buffer.from('not ready\n') },
  });
  const get = () => client.get(resources.nodes, { name: 'n' });
  await assert.rejects(get, isNotFound);
  await assert.rejects(get, isConflict);
  await assert.rejects(get, { name: 'ApiError', code: 503, message: /not ready/ });
});

test('an answer that is no JSON is malformed', async () => {
  const { client } = scripted({ status: 200, headers: {}, body: Buffer.from('<html>') });
  await assert.rejects(client.get(resources.nodes, { name: 'n' }), { name: 'ClientError', code: 'malformed' });
});

test('a watch yields events cut anywhere, and throws the error event', async () => {
  const events = [
    { type: 'ADDED', object: { metadata: { name: 'a', resourceVersion: '1' } } },
    { type: 'BOOKMARK', object: { metadata: { resourceVersion: '5' } } },
    { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } },
  ];
  const bytes = Buffer.from(events.map(event => JSON.stringify(event)).join('\n') + '\n');
  const client = clientOf(async () => ({
    status: 200,
    headers: {},
    async body(sink) {
      for (let at = 0; at < bytes.length; at += 7) {
        sink.write(bytes.subarray(at, at + 7));
        await settle(1);
      }
    },
  }));
  const seen: string[] = [];
  const follow = async () => {
    for await (const event of client.watch(resources.configmaps, {})) seen.push(event.type);
  };
  await assert.rejects(follow, isExpired);
  assert.deepEqual(seen, ['ADDED', 'BOOKMARK']);
});

test('a reader that is slow makes the server wait, and one that leaves ends the stream', async () => {
  let [written, gone] = [0, false];
  const chunk = Buffer.from(
    JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'x'.repeat(100_000) } } }) + '\n',
  );
  const client = clientOf(async request => ({
    status: 200,
    headers: {},
    async body(sink) {
      request.signal.addEventListener('abort', () => (gone = true));
      for (; written < 100; written++) if (!sink.write(chunk)) await sink.drained();
    },
  }));
  for await (const event of client.watch<ConfigMap>(resources.configmaps, {})) {
    assert.equal(event.type, 'ADDED');
    await settle();
    assert.ok(written < 8, `${written} chunks were taken ahead of the reader`);
    break;
  }
  await settle();
  assert.equal(gone, true);
});

test('aborting ends a watch that is waiting', async () => {
  const client = clientOf(async request => ({
    status: 200,
    headers: {},
    body: () => new Promise<void>(resolve => request.signal.addEventListener('abort', () => resolve())),
  }));
  const abort = new AbortController();
  const follow = async () => {
    for await (const event of client.watch(resources.configmaps, { signal: abort.signal })) assert.fail(event.type);
  };
  const following = follow();
  await settle();
  abort.abort(new Error('enough'));
  await assert.rejects(following, { message: 'enough' });
});
