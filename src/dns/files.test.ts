import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFakeClock } from '#base/testing';
import { createUpstreams, parseResolvConf, parseUpstream } from './resolv-conf.ts';
import { startTestDns } from './testing.ts';

async function tempFolder() {
  const path = await mkdtemp(join(tmpdir(), 'wherry-dns-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test('resolv.conf gives its servers in order', () => {
  const text =
    '# nameserver 9.9.9.9\nsearch a.b\nnameserver 192.0.2.1 \n\tnameserver\t2001:db8::1\nnameserver nonsense\nnameserver fe80::1%eth0\n';
  assert.deepEqual(parseResolvConf(text), ['192.0.2.1', '2001:db8::1', 'fe80::1%eth0']);
});

test('a given server may name its port', () => {
  assert.deepEqual(parseUpstream('192.0.2.1'), { address: '192.0.2.1', port: 53 });
  assert.deepEqual(parseUpstream('192.0.2.1:5353'), { address: '192.0.2.1', port: 5353 });
  assert.deepEqual(parseUpstream('2001:db8::1'), { address: '2001:db8::1', port: 53 });
  assert.deepEqual(parseUpstream('[2001:db8::1]:5353'), { address: '2001:db8::1', port: 5353 });
  for (const bad of ['', 'dns.example.com', '192.0.2.1:0', '192.0.2.1:99999', '[x]:53']) {
    assert.throws(() => parseUpstream(bad), /is no name server/);
  }
});

test('servers follow the file, loopback addresses and our own left out', async () => {
  await using folder = await tempFolder();
  const [resolvConf, resolvedConf] = [join(folder.path, 'resolv.conf'), join(folder.path, 'resolved.conf')];
  const clock = createFakeClock();
  const upstreams = createUpstreams({
    clock,
    resolvConf,
    resolvedConf,
    isSelf: ({ address }) => address === '10.43.0.10',
  });
  const addresses = async () => {
    await clock.advance(1000);
    return (await upstreams()).map(({ address }) => address);
  };
  assert.deepEqual(await addresses(), []);
  await writeFile(resolvConf, 'nameserver 10.43.0.10\nnameserver 127.0.0.1\nnameserver 192.0.2.1\n');
  assert.deepEqual(await addresses(), ['192.0.2.1']);
  await writeFile(resolvConf, 'nameserver 127.0.0.53\n');
  assert.deepEqual(await addresses(), []);
  await writeFile(resolvedConf, 'nameserver 192.0.2.2\nnameserver ::1\n');
  assert.deepEqual(await addresses(), ['192.0.2.2']);
  await rm(resolvedConf);
  assert.deepEqual(await addresses(), []);
});

test('names of a hosts file are answered, and other types of them are empty', async () => {
  await using folder = await tempFolder();
  const hostsFile = join(folder.path, 'hosts');
  await writeFile(hostsFile, '192.0.2.7 node-1 Node-1.lan # the first\nfd00::7 node-1\nnonsense x\n');
  await using server = await startTestDns([], { hostsFile });
  const ask = async (name: string, type: 'A' | 'AAAA' | 'PTR' | 'MX') => {
    const { rcode, answers = [] } = await server.udp({ type: 'query', questions: [{ name, type }] });
    return [rcode, answers.map(one => 'data' in one && one.data)];
  };
  assert.deepEqual(await ask('NODE-1', 'A'), ['NOERROR', ['192.0.2.7']]);
  assert.deepEqual(await ask('node-1.LAN', 'A'), ['NOERROR', ['192.0.2.7']]);
  assert.deepEqual(await ask('node-1', 'AAAA'), ['NOERROR', ['fd00::7']]);
  assert.deepEqual(await ask('node-1', 'MX'), ['NOERROR', []]);
  assert.deepEqual(await ask('7.2.0.192.in-addr.arpa', 'PTR'), ['NOERROR', ['node-1', 'node-1.lan']]);
  assert.deepEqual(await ask('x', 'A'), ['SERVFAIL', []]);
});
