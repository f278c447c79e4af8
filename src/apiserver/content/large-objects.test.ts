import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { createProtobufCodec } from '#wire';
import type { TestServer } from '../testing.ts';
import { startTestApiServer } from '../testing.ts';

const codec = createProtobufCodec();
const protobuf = 'application/vnd.kubernetes.protobuf';
const maps = '/api/v1/namespaces/default/configmaps';

/** Some 300 KB in 8,000 members. */
const data = (text: string) =>
  Object.fromEntries(Array.from({ length: 8000 }, (_, index) => [`field-${index}`, `${text} ${index}`]));
const map = (name: string, text: string) => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { app: 'large' } } },
  data: text === '' ? {} : data(text),
});

let api: TestServer;
before(async () => {
  api = await startTestApiServer();
  await api.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default' } } });
});
after(() => api[Symbol.asyncDispose]());

async function ask(method: string, path: string, headers: Record<string, string>, body?: Uint8Array) {
  const [pathname = '', search = ''] = path.split('?');
  const response = await api.handler({
    ...{ method, path: pathname, search, headers },
    body: async () => body ?? new Uint8Array(),
    stream: async function* () {
      yield new Uint8Array();
    },
    signal: new AbortController().signal,
    peer: { address: 'in-process', user: { name: 'admin', groups: ['system:masters'] } },
  });
  assert.notEqual(typeof response.body, 'function');
  const parts = response.body instanceof Uint8Array ? [response.body] : (response.body as Uint8Array[]);
  return { status: response.status, bytes: Buffer.concat(parts) };
}

test('a large object is taken and given in every form', async () => {
  const both = { 'content-type': protobuf, accept: protobuf };
  const made = await ask('POST', maps, both, codec.encode(map('forms', 'text')));
  assert.equal(made.status, 201);
  const object = codec.decode(made.bytes);
  assert.deepEqual(object['data'], data('text'));
  const get = async (accept: string, query = '') => (await ask('GET', `${maps}/forms${query}`, { accept })).bytes;
  const json = JSON.parse((await get('application/json')).toString());
  assert.deepEqual(json, object);
  assert.deepEqual(codec.decode(await get(protobuf)), json);
  assert.deepEqual(parse((await get('application/yaml')).toString()), json);
  const pretty = (await get('application/json', '?pretty=true')).toString();
  assert.equal(pretty, `${JSON.stringify(JSON.parse(pretty), undefined, 2)}\n`);
  assert.deepEqual(JSON.parse(pretty), json);
  const table = JSON.parse(
    (await get('application/json;as=Table;v=v1;g=meta.k8s.io', '?includeObject=Object')).toString(),
  );
  assert.deepEqual(table.rows[0].object, json);
  const partial = codec.decode(await get(`${protobuf};as=PartialObjectMetadata;v=v1;g=meta.k8s.io`));
  assert.deepEqual({ ...partial }['metadata'], json.metadata);
  const list = codec.decode((await ask('GET', maps, { accept: protobuf })).bytes) as unknown as {
    items?: { data: unknown }[];
  };
  assert.deepEqual(list.items?.[0]?.data, json.data);
});

test('a dry run of a large object answers with what it would have made', async () => {
  const headers = { 'content-type': protobuf, accept: protobuf };
  const body = codec.encode(map('dry', 'text'));
  const { status, bytes } = await ask('POST', `${maps}?dryRun=All`, headers, body);
  assert.equal(status, 201);
  assert.deepEqual({ ...codec.decode(bytes) }['data'], data('text'));
  const text = await ask('POST', `${maps}?dryRun=All`, { ...headers, accept: 'application/yaml' }, body);
  assert.deepEqual(parse(text.bytes.toString()).data, data('text'));
  assert.equal((await api.call('GET', `${maps}/dry`)).status, 404);
});

test('large bytes that are no message are refused in the words for small ones', async () => {
  const headers = { 'content-type': protobuf, accept: 'application/json' };
  const broken = (filler: number) => {
    const bytes = codec.encode({ ...map('broken', ''), data: { a: 'x'.repeat(filler) } });
    // A length that leads beyond the end.
    return Buffer.concat([bytes.subarray(0, 40), Buffer.from([0x0a, 0xff, 0xff, 0xff, 0x7f]), bytes.subarray(40)]);
  };
  const [small, large] = await Promise.all([10, 300_000].map(size => ask('POST', maps, headers, broken(size))));
  assert.equal(large!.status, 400);
  const message = (answer: { bytes: Buffer }) => JSON.parse(answer.bytes.toString()).message.split(' (')[0];
  assert.equal(message(large!).replace(/".*"/s, ''), message(small!).replace(/".*"/s, ''));
});

interface Seen {
  readonly type: string;
  readonly object: { metadata: { name: string }; data?: Record<string, string> };
}

/** Watches ConfigMaps in protobuf; `until` waits for so many events. */
async function watchMaps(query: string) {
  const stop = new AbortController();
  const seen: Seen[] = [];
  let arrived = Promise.withResolvers<void>();
  const response = await api.handler({
    ...{ method: 'GET', path: maps, search: `watch=true${query}`, headers: { accept: `${protobuf};stream=watch` } },
    body: async () => new Uint8Array(),
    stream: async function* () {
      yield new Uint8Array();
    },
    signal: stop.signal,
    peer: { address: 'in-process', user: { name: 'admin', groups: ['system:masters'] } },
  });
  let rest = Buffer.alloc(0);
  const write = (chunk: Uint8Array) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE()) {
      const frame = rest.subarray(4, 4 + rest.readUInt32BE());
      rest = rest.subarray(4 + frame.length);
      // WatchEvent { type = 1, object = 2 }: the envelope begins with its magic.
      const type = frame.toString('utf8', 2, 2 + frame[1]!);
      const object = codec.decode(frame.subarray(frame.indexOf('k8s\0'))) as unknown as Seen['object'];
      seen.push({ type, object });
    }
    arrived.resolve();
    arrived = Promise.withResolvers();
    return true;
  };
  const body = response.body as (sink: object) => Promise<void>;
  const ended = body({ write, drained: () => Promise.resolve(), bufferedBytes: 0 });
  return {
    seen,
    async until(count: number) {
      while (seen.length < count) await arrived.promise;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

test('watchers in protobuf get large and small events whole and in order', async () => {
  await api.call('POST', maps, { body: map('watched', 'first') });
  const { json } = await api.call('GET', maps);
  await using late = await watchMaps('&fieldSelector=metadata.name%3Dwatched');
  await using one = await watchMaps(`&resourceVersion=${json.metadata.resourceVersion}`);
  await using other = await watchMaps(`&resourceVersion=${json.metadata.resourceVersion}`);
  const put = (text: string) => api.call('PUT', `${maps}/watched`, { body: map('watched', text) });
  await put('second');
  await put('');
  await put('third');
  await api.call('DELETE', `${maps}/watched`);
  await late.until(5);
  const shown = ({ seen }: { seen: readonly Seen[] }) =>
    seen.map(({ type, object }) => `${type} ${object.data?.['field-7999'] ?? 'nothing'}`);
  const changes = ['MODIFIED second 7999', 'MODIFIED nothing', 'MODIFIED third 7999', 'DELETED third 7999'];
  assert.deepEqual(shown(late), ['ADDED first 7999', ...changes]);
  for (const watcher of [one, other]) {
    await watcher.until(4);
    assert.deepEqual(shown(watcher), changes);
    assert.equal(Object.keys(watcher.seen[0]!.object.data!).length, 8000);
  }
});
