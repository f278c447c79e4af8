import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandError } from './exec.ts';
import { createFakeExec, fakeCommandError } from './exec-fake.ts';
import { createIp } from './ip.ts';

/** As iproute2 6.1 prints them. */
const answers: Readonly<Record<string, unknown>> = {
  'ip -d -json link show': [
    { ifindex: 1, ifname: 'lo', flags: ['LOOPBACK', 'UP'], mtu: 65536, address: '00:00:00:00:00:00' },
    {
      ...{ ifindex: 7, ifname: 'x', flags: ['BROADCAST'], mtu: 1450, address: '02:77:0a:2a:00:00' },
      linkinfo: { info_kind: 'vxlan', info_data: { id: 1, port: 8472, learning: false } },
    },
    { ifindex: 9, ifname: 'tun', flags: [], mtu: 1400 },
  ],
  'ip -json address show': [
    {
      ifname: 'eth0',
      addr_info: [
        { family: 'inet', local: '192.0.2.2', prefixlen: 24, scope: 'global' },
        { family: 'inet6', local: 'fe80::1', prefixlen: 64, scope: 'link' },
        { index: 3 },
      ],
    },
    { ifname: 'bare' },
    {},
  ],
  'ip -4 -json route show': [
    { dst: 'default', gateway: '192.0.2.1', dev: 'eth0', flags: [] },
    { dst: '192.0.2.0/24', dev: 'eth0', prefsrc: '192.0.2.2', flags: [] },
    { type: 'unreachable', dst: '10.42.0.0/24', flags: [] },
  ],
  'ip -4 -json route show dev x': [{ dst: '10.42.1.0/24', gateway: '10.42.1.0', flags: ['onlink'] }],
  'ip -json neigh show dev x': [
    { dst: '10.42.1.0', lladdr: '02:77:0a:2a:01:00', state: ['PERMANENT'] },
    { dst: '10.42.2.0', state: ['FAILED'] },
  ],
  'bridge -json fdb show dev x': [
    { mac: '02:77:0a:2a:01:00', dst: '192.0.2.3', flags: ['self'], state: 'permanent' },
    { mac: '33:33:00:00:00:01', flags: ['self'], state: 'permanent' },
  ],
};
const exec = () => createFakeExec(line => (line in answers ? JSON.stringify(answers[line]) : ''));

test('links say their kind and how it is set up', async () => {
  const none = { kind: undefined, kindOptions: {} };
  assert.deepEqual(await createIp(exec()).links(), [
    { index: 1, name: 'lo', mtu: 65536, address: '00:00:00:00:00:00', up: true, ...none },
    {
      ...{ index: 7, name: 'x', mtu: 1450, address: '02:77:0a:2a:00:00', up: false, kind: 'vxlan' },
      kindOptions: { id: 1, port: 8472, learning: false },
    },
    { index: 9, name: 'tun', mtu: 1400, address: '', up: false, ...none },
  ]);
});

test('addresses of all devices are one list', async () => {
  assert.deepEqual(await createIp(exec()).addresses(), [
    { device: 'eth0', family: 4, address: '192.0.2.2', prefix: 24, scope: 'global' },
    { device: 'eth0', family: 6, address: 'fe80::1', prefix: 64, scope: 'link' },
  ]);
});

test('routes of all devices and of one; one that leads nowhere has no device', async () => {
  const ip = createIp(exec());
  const plain = { via: undefined, source: undefined, onlink: false };
  assert.deepEqual(await ip.routes(), [
    { ...plain, to: 'default', device: 'eth0', via: '192.0.2.1' },
    { ...plain, to: '192.0.2.0/24', device: 'eth0', source: '192.0.2.2' },
    { ...plain, to: '10.42.0.0/24', device: undefined },
  ]);
  assert.deepEqual(await ip.routes({ family: 4, device: 'x' }), [
    { ...plain, to: '10.42.1.0/24', device: 'x', via: '10.42.1.0', onlink: true },
  ]);
});

test('neighbours, and forwarding entries that name a machine', async () => {
  const ip = createIp(exec());
  assert.deepEqual(await ip.neighbours('x'), [
    { address: '10.42.1.0', hardware: '02:77:0a:2a:01:00', device: 'x', permanent: true },
    { address: '10.42.2.0', hardware: '', device: 'x', permanent: false },
  ]);
  assert.deepEqual(await ip.forwarding('x'), [{ hardware: '02:77:0a:2a:01:00', to: '192.0.2.3' }]);
});

test('nothing to show is an empty list: ip prints nothing then', async () => {
  assert.deepEqual(await createIp(exec()).routes({ family: 6 }), []);
});

test('a batch is one program with a line each; an empty one runs nothing', async () => {
  const fake = exec();
  const ip = createIp(fake);
  await ip.batch(['link set x up', 'route replace 10.0.0.0/8 dev x']);
  await ip.bridgeBatch(['fdb replace 02:00:00:00:00:01 dev x dst 192.0.2.3']);
  await ip.batch([]);
  await ip.bridgeBatch([]);
  assert.deepEqual(
    fake.commands.map(({ program, args, input }) => [program, args, input]),
    [
      ['ip', ['-batch', '-'], 'link set x up\nroute replace 10.0.0.0/8 dev x\n'],
      ['bridge', ['-batch', '-'], 'fdb replace 02:00:00:00:00:01 dev x dst 192.0.2.3\n'],
    ],
  );
});

test('errors name the program and what it said, or the package that is missing', async () => {
  const refusing = createFakeExec(line => {
    throw fakeCommandError(line, 1, 'RTNETLINK answers: File exists\nCommand failed -:1\n');
  });
  await assert.rejects(createIp(refusing).batch(['link add x']), {
    name: 'IpError',
    message: 'ip: RTNETLINK answers: File exists\nCommand failed -:1',
  });
  const bare = createFakeExec(() => {
    throw new CommandError('bridge: program not found', { code: 'missing', exitCode: undefined, stderr: '' });
  });
  await assert.rejects(createIp(bare).forwarding('x'), {
    name: 'IpError',
    message: 'bridge is not installed: install the package iproute2',
  });
});
