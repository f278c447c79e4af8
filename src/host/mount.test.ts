import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMountInfo } from './mount.ts';

test('a line of mountinfo is read with its escapes, sharing and type', () => {
  const text =
    '36 35 98:0 /mnt1 /my\\040dir rw,noatime master:1 - ext3 /dev/root rw\n37 35 0:9 / /run rw shared:7 - tmpfs tmpfs rw\n';
  assert.deepEqual(parseMountInfo(text), [
    { path: '/my dir', type: 'ext3', source: '/dev/root', root: '/mnt1', shared: false },
    { path: '/run', type: 'tmpfs', source: 'tmpfs', root: '/', shared: true },
  ]);
});
