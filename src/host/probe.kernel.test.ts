import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createExec } from './exec.ts';
import { createIp } from './ip.ts';
import { createNft } from './nft.ts';
import { probeMachine } from './probe.ts';

test('the probe of this machine tries things out and leaves nothing of them', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root');
  const dataDir = await mkdtemp(join(tmpdir(), 'wherry-host-'));
  await using _ = { [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true, force: true }) };
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const exec = createExec();
  const findings = await probeMachine({
    ...{ exec, dataDir, cniBinDirs: ['/nowhere'] },
    ports: [{ port, protocol: 'tcp', purpose: 'this test' }],
  });
  server.close();
  for (const { name, state, found } of findings) t.diagnostic(`${name}: ${state}: ${found}`);
  const stateOf = (name: string) => findings.find(one => one.name === name)?.state;
  assert.deepEqual([stateOf(`port ${port}/tcp`), stateOf('CNI plugins')], ['missing', 'missing']);
  assert.deepEqual([stateOf('kernel'), stateOf('rights'), stateOf('disk')], ['ok', 'ok', 'ok']);
  assert.ok(!findings.some(({ found }) => found.startsWith('could not be checked')));

  assert.deepEqual(await readdir(dataDir), []);
  assert.ok(!(await readFile('/proc/self/mountinfo', 'utf8')).includes(dataDir));
  if (stateOf('ip') === 'ok') assert.ok(!(await createIp(exec).links()).some(({ name }) => name === 'wherry-probe'));
  if (stateOf('nftables') === 'ok')
    assert.ok(!(await createNft(exec).tables()).some(({ name }) => name === 'wherry-probe'));
});
