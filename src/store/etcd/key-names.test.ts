import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeyNames } from './key-names.ts';

const plain = ({ from, to }: { from: Buffer; to?: Buffer | undefined }) => [from.toString(), to?.toString()];

test('keys are the same in etcd, unless another prefix stands for /registry', () => {
  const usual = createKeyNames('/registry');
  assert.equal(usual.toEtcd('/registry/pods/a').toString(), '/registry/pods/a');
  assert.equal(usual.fromEtcd(Buffer.from('/registry/pods/a')), '/registry/pods/a');
  const other = createKeyNames('/clusters/one');
  assert.equal(other.toEtcd('/registry/pods/a').toString(), '/clusters/one/pods/a');
  assert.equal(other.fromEtcd(Buffer.from('/clusters/one/pods/a')), '/registry/pods/a');
  for (const key of ['/bootstrap/x', '/registryx', 'compact_rev_key']) {
    assert.equal(other.toEtcd(key).toString(), key);
    assert.equal(other.fromEtcd(Buffer.from(key)), key);
  }
});

test('a range is what a prefix and a last key leave', () => {
  const names = createKeyNames('/registry');
  assert.deepEqual(plain(names.range('/registry/pods/')), ['/registry/pods/', '/registry/pods0']);
  assert.deepEqual(plain(names.range('/registry/', '/registry/pods/a')), ['/registry/pods/a\0', '/registry0']);
  assert.deepEqual(plain(names.range('/registry/', '/a')), ['/registry/', '/registry0']);
  assert.deepEqual(plain(names.range('')), ['\0', '\0']);
  assert.deepEqual(plain(createKeyNames('/x').range('/registry/', '/registry/pods/a')), ['/x/pods/a\0', '/x0']);
});
