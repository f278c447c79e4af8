import assert from 'node:assert/strict';
import { test } from 'node:test';
import { datastoreOptions } from './datastore.ts';

const options = (endpoint: string, others: object = {}) =>
  datastoreOptions({
    'datastore-endpoint': endpoint,
    'datastore-cafile': '',
    'datastore-certfile': '',
    'datastore-keyfile': '',
    'etcd-prefix': '/registry',
    ...others,
  });

test('endpoints are URLs of members, with the user before the first', () => {
  assert.deepEqual(options('http://a:2379'), { endpoints: ['a:2379'], prefix: '/registry' });
  assert.deepEqual(options('https://u%40x:p%3A@a, https://[fd00::1]:1234'), {
    endpoints: ['a:2379', '[fd00::1]:1234'],
    tls: {},
    user: { name: 'u@x', password: 'p:' },
    prefix: '/registry',
  });
});

const wrong: [endpoint: string, others: object, message: RegExp][] = [
  ['mysql://user:secret@tcp(db:3306)/k', {}, /mysql is not supported: write http:\/\/host:2379/],
  ['postgres://user:secret@db/k', {}, /postgres is not supported/],
  ['nats://n', {}, /nats is not supported/],
  ['a:2379', {}, /"a:2379" is not a URL/],
  ['http://a,https://b', {}, /side by side/],
  ['http://a', { 'datastore-cafile': import.meta.filename }, /write https:\/\//],
  ['https://a', { 'datastore-cafile': '/nonexistent' }, /datastore-cafile: \/nonexistent cannot be read/],
  ['https://a', { 'datastore-certfile': import.meta.filename }, /go together/],
];

for (const [endpoint, others, message] of wrong) {
  test(`${endpoint} ${Object.keys(others).join()} is refused with the remedy, and shows no password`, () => {
    assert.throws(
      () => options(endpoint, others),
      (error: Error) => {
        assert.equal(error.name, 'StartError');
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
  });
}
