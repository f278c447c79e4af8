import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFakeExec } from './exec-fake.ts';
import { createExecSysctl, createSysctl } from './sysctl.ts';

async function createSettings() {
  const root = await mkdtemp(join(tmpdir(), 'wherry-host-'));
  const folder = join(root, 'net/ipv4/conf/a.b');
  await mkdir(folder, { recursive: true });
  await writeFile(join(root, 'net/ipv4/ip_forward'), '0\n');
  await writeFile(join(folder, 'rp_filter'), '1\n');
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true }) };
}

test('settings are read by dotted name, and by path where a part holds a dot', async () => {
  await using settings = await createSettings();
  const sysctl = createSysctl(settings.root);
  assert.equal(await sysctl.read('net.ipv4.ip_forward'), '0');
  assert.equal(await sysctl.read('net/ipv4/conf/a.b/rp_filter'), '1');
  assert.equal(await sysctl.read('net.ipv4.no_such'), undefined);
});

test('writing changes the value, and touches nothing when it is so already', async () => {
  await using settings = await createSettings();
  const file = join(settings.root, 'net/ipv4/ip_forward');
  const sysctl = createSysctl(settings.root);
  await sysctl.write('net.ipv4.ip_forward', 1);
  assert.equal(await readFile(file, 'utf8'), '1\n');
  await utimes(file, 1, 1);
  await sysctl.write('net.ipv4.ip_forward', '1');
  assert.equal((await stat(file)).mtimeMs, 1000);
});

test('a setting that this kernel does not have is an error and makes no file', async () => {
  await using settings = await createSettings();
  const sysctl = createSysctl(settings.root);
  await assert.rejects(sysctl.write('net.ipv4.no_such', 5), {
    name: 'SysctlError',
    message: /^sysctl net\.ipv4\.no_such=5 cannot be set: ENOENT/,
  });
  assert.equal(await sysctl.read('net.ipv4.no_such'), undefined);
});

test('in another namespace sysctl(8) does it, with paths, so that dots in names survive', async () => {
  const exec = createFakeExec(line => (line.includes('no_such') ? '' : '2\n'));
  const sysctl = createExecSysctl(exec);
  assert.equal(await sysctl.read('net/ipv4/conf/a.b/rp_filter'), '2');
  assert.equal(await sysctl.read('net.ipv4.no_such'), undefined);
  await sysctl.write('net.ipv4.ip_forward', 1);
  assert.deepEqual(exec.lines(), [
    'sysctl -n -e net/ipv4/conf/a.b/rp_filter',
    'sysctl -n -e net/ipv4/no_such',
    'sysctl -q -w net/ipv4/ip_forward=1',
  ]);
});
