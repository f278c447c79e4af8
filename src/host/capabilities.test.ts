import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseCapabilities, readCapabilities } from './capabilities.ts';

test("a container's usual mask names its rights", () => {
  assert.deepEqual([...parseCapabilities('00000000a80425fb')].sort(), [
    ...['CAP_AUDIT_WRITE', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_MKNOD'],
    ...['CAP_NET_BIND_SERVICE', 'CAP_NET_RAW', 'CAP_SETFCAP', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETUID'],
    'CAP_SYS_CHROOT',
  ]);
});

test('all rights but one: the one is found lacking; bits of a newer kernel are passed over', () => {
  const held = parseCapabilities('ffffffff feffffff'.replace(' ', ''));
  assert.equal(held.size, 40);
  assert.equal(held.has('CAP_SYS_RESOURCE'), false);
  assert.equal(held.has('CAP_CHECKPOINT_RESTORE'), true);
});

test('the effective rights are read, not the bounds', async () => {
  const root = await mkdtemp(join(tmpdir(), 'wherry-host-'));
  await using _ = { [Symbol.asyncDispose]: () => rm(root, { recursive: true }) };
  await mkdir(join(root, 'proc/self'), { recursive: true });
  await writeFile(join(root, 'proc/self/status'), 'CapPrm:\tffff\nCapEff:\t0000000000001000\nCapBnd:\tffff\n');
  assert.deepEqual([...(await readCapabilities({ root }))], ['CAP_NET_ADMIN']);
});
