import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createProtobufCodec } from '#wire';
import type { TestServer } from '../testing.ts';
import { startTestApiServer } from '../testing.ts';

const codec = createProtobufCodec();
const protobuf = 'application/vnd.kubernetes.protobuf';
const maps = '/api/v1/namespaces/default/configmaps';
const map = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: '1' } });

let api: TestServer;
before(async () => {
  api = await startTestApiServer();
  await api.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default' } } });
  for (const name of ['a', 'b']) await api.call('POST', maps, { body: map(name) });
});
after(() => api[Symbol.asyncDispose]());

async function bytesOf(method: string, path: string, headers: Record<string, string>, body?: Uint8Array | string) {
  const response = await api.handler({
    method,
    path: path.split('?')[0]!,
    search: path.split('?')[1] ?? '',
    headers,
    body: async () => (typeof body === 'string' ? Buffer.from(body) : (body ?? new Uint8Array())),
    stream: async function* () {
      yield new Uint8Array();
    },
    signal: new AbortController().signal,
    peer: { address: 'in-process', user: { name: 'admin', groups: ['system:masters'] } },
  });
  assert.notEqual(typeof response.body, 'function');
  const parts = response.body instanceof Uint8Array ? [response.body] : (response.body as Uint8Array[]);
  return { status: response.status, headers: response.headers, bytes: Buffer.concat(parts) };
}

const get = (path: string, accept: string) => bytesOf('GET', path, { accept });

const accepted: readonly [accept: string, contentType: string][] = [
  ['', 'application/json'],
  ['*/*', 'application/json'],
  ['application/*', 'application/json'],
  ['application/json; charset=utf-8', 'application/json'],
  ['text/html, application/json;q=0.5, application/yaml;q=0.8', 'application/yaml'],
  [`${protobuf},application/json`, protobuf],
  [`application/json;q=0.4, ${protobuf};q=0.6`, protobuf],
  ['application/json;as=Table;v=v1;g=meta.k8s.io', 'application/json'],
  ['application/json;as=Table;v=v9;g=meta.k8s.io, application/json', 'application/json'],
  [`${protobuf};as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1;g=meta.k8s.io`, 'application/json'],
  [`${protobuf};as=PartialObjectMetadata;v=v1;g=meta.k8s.io`, protobuf],
  ['application/json;stream=watch', 'application/json'],
];

for (const [accept, contentType] of accepted) {
  test(`Accept: ${accept || '(none)'} is answered in ${contentType}`, async () => {
    const answer = await get(`${maps}/a`, accept);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], contentType);
  });
}

const supported = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';

for (const accept of ['text/html', 'application/json;as=Table;v=v9;g=meta.k8s.io', 'application/json;stream=nope']) {
  test(`Accept: ${accept} is refused`, async () => {
    const answer = await get(`${maps}/a`, accept);
    assert.equal(answer.status, 406);
    const status = JSON.parse(answer.bytes.toString());
    assert.equal(status.message, `only the following media types are accepted: ${supported}`);
    assert.equal(status.reason, 'NotAcceptable');
  });
}

test('YAML cannot be streamed: a watch is refused, in YAML', async () => {
  const answer = await get(`${maps}?watch=1`, 'application/yaml');
  assert.equal(answer.status, 406);
  assert.equal(answer.headers['content-type'], 'application/yaml');
  const only = 'application/json, application/vnd.kubernetes.protobuf';
  assert.match(
    answer.bytes.toString(),
    new RegExp(`^message: "only the following media types are accepted: ${only}"$`, 'm'),
  );
});

test('a body of an unknown type is refused', async () => {
  const answer = await bytesOf('POST', maps, { 'content-type': 'text/plain' }, 'x');
  assert.equal(answer.status, 415);
  const status = JSON.parse(answer.bytes.toString());
  const why = 'the body of the request was in an unknown format - accepted media types include: ';
  assert.equal(status.message, why + supported);
});

test('an object, its list, its metadata and refusals are the same in protobuf as in JSON', async () => {
  const paths = [`${maps}/a`, maps, `${maps}?limit=1`, `${maps}/none`];
  for (const path of paths) {
    const one = await get(path, protobuf);
    assert.equal(one.headers['content-type'], protobuf, path);
    const json = JSON.parse((await get(path, '')).bytes.toString());
    const decoded = codec.decode(one.bytes);
    assert.deepEqual(decoded, json, path);
  }
  const as = 'as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
  const partial = codec.decode((await get(maps, `${protobuf};${as}`)).bytes);
  const json = JSON.parse((await get(maps, `application/json;${as}`)).bytes.toString());
  // Items of a list have no kind of their own on the wire.
  for (const item of json.items) {
    delete item.kind;
    delete item.apiVersion;
  }
  assert.deepEqual(partial, json);
});

test('a list in protobuf follows every change', async () => {
  const names = async () =>
    (codec.decode((await get(maps, protobuf)).bytes)['items'] as { metadata: { name: string } }[]).map(
      ({ metadata }) => metadata.name,
    );
  assert.deepEqual(await names(), ['a', 'b']);
  assert.deepEqual(await names(), ['a', 'b']);
  await api.call('POST', maps, { body: map('c') });
  assert.deepEqual(await names(), ['a', 'b', 'c']);
  await api.call('DELETE', `${maps}/c`);
  assert.deepEqual(await names(), ['a', 'b']);
});

test('a table keeps its rows between lists, and its version is that of the list', async () => {
  const table = async () =>
    JSON.parse((await get(maps, 'application/json;as=Table;v=v1;g=meta.k8s.io')).bytes.toString());
  const first = await table();
  assert.deepEqual(Object.keys(first), ['kind', 'apiVersion', 'metadata', 'columnDefinitions', 'rows']);
  assert.deepEqual(
    first.rows.map(({ cells }: { cells: unknown[] }) => cells[0]),
    ['a', 'b'],
  );
  await api.call('POST', '/api/v1/namespaces', { body: { metadata: { name: `n${first.metadata.resourceVersion}` } } });
  const second = await table();
  assert.ok(Number(second.metadata.resourceVersion) > Number(first.metadata.resourceVersion));
});

test('an object and delete options are taken in protobuf', async () => {
  const headers = { 'content-type': protobuf, accept: protobuf };
  const made = await bytesOf('POST', maps, headers, codec.encode(map('proto')));
  assert.equal(made.status, 201);
  const object = codec.decode(made.bytes) as unknown as { metadata: { uid: string } };
  const options = (uid: string) => codec.encode({ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } });
  assert.equal((await bytesOf('DELETE', `${maps}/proto`, headers, options('other'))).status, 409);
  const gone = await bytesOf('DELETE', `${maps}/proto`, headers, options(object.metadata.uid));
  assert.equal(gone.status, 200);
  assert.equal(codec.decode(gone.bytes).kind, 'Status');
});

test('a large answer is compressed for who takes it', async () => {
  await api.call('POST', maps, { body: { ...map('large'), data: { a: 'x'.repeat(200_000) } } });
  const answer = await bytesOf('GET', `${maps}/large`, { 'accept-encoding': 'gzip' });
  assert.equal(answer.headers['content-encoding'], 'gzip');
  assert.equal(JSON.parse(gunzipSync(answer.bytes).toString()).data.a.length, 200_000);
  const small = await bytesOf('GET', `${maps}/a`, { 'accept-encoding': 'gzip' });
  assert.equal(small.headers['content-encoding'], undefined);
});
