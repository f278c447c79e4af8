import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestApiServer } from './testing.ts';

test('a config map is created, read, listed, watched and deleted', async () => {
  await using api = await startTestApiServer();
  const path = '/api/v1/namespaces/default/configmaps';
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { x: '1' } };
  const made = await api.call('POST', path, { body });
  assert.equal(made.status, 201, made.text);
  assert.equal((await api.call('GET', `${path}/a`)).json.data.x, '1');
  const list = (await api.call('GET', path)).json;
  assert.equal(list.items.length, 1);
  using watch = api.watch(`${path}?watch=1&resourceVersion=${list.metadata.resourceVersion}`);
  await api.call('PUT', `${path}/a`, { body: { ...body, data: { x: '2' } } });
  assert.equal((await watch.next()).object.data.x, '2');
  const gone = await api.call('DELETE', `${path}/a`);
  assert.equal(gone.status, 200, gone.text);
  assert.equal((await watch.next()).type, 'DELETED');
});
