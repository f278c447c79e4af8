import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '#api';
import { createFakeDeps, settle } from '#client/testing';
import { CommandError } from '#host';
import { createFakeExec, createFakeNft, createFakeSysctl } from '#host/testing';
import type { ProxyConfig } from './config.ts';
import { removeProxy } from './remove-proxy.ts';
import { startProxy } from './start-proxy.ts';
import { testPod, testService, testSlice } from './testing/objects.ts';

const config: ProxyConfig = { nodeName: 'a', nodeIps: ['192.168.1.10'], clusterCidrs: ['10.42.0.0/16'] };
const { services, endpointslices, pods } = resources;
const inDefault = (name: string) => ({ namespace: 'default', name });

/** A machine whose kernel is a list of transactions. */
async function createMachine(
  objects = [testService(), testSlice(['10.42.0.2'])] as Parameters<typeof createFakeDeps>[0],
) {
  const deps = createFakeDeps(objects);
  const kernel = { nft: createFakeNft(), exec: createFakeExec(), sysctl: createFakeSysctl() };
  return { ...deps, ...kernel, [Symbol.asyncDispose]: () => deps[Symbol.asyncDispose]() };
}
type Machine = Awaited<ReturnType<typeof createMachine>>;

/** Lets informers and the window of changes pass. */
async function pass({ clock }: Machine, ms = 200): Promise<void> {
  for (let times = 0; times < 4; times++) {
    await settle();
    await clock.advance(ms / 4);
  }
  await settle();
}

test('it is ready only after the first transaction, which replaces the whole table', async () => {
  await using machine = await createMachine();
  await using proxy = await startProxy(config, machine);
  assert.equal(proxy.ready(), 'services, endpoints and pods are not listed yet');
  await pass(machine);
  assert.equal(proxy.ready(), undefined);
  assert.equal(machine.nft.transactions.length, 1);
  assert.match(machine.nft.transactions[0]!, /^add table ip wherry-proxy\ndelete table ip wherry-proxy\nadd table/);
  assert.match(
    machine.nft.transactions[0]!,
    /service-ips \{ 10\.43\.0\.7 \. tcp \. 80 : goto service-default\/web\/tcp\/ \}/,
  );
});

test('loopback addresses are routed only once the rules that guard them stand, and not at all when told', async () => {
  await using machine = await createMachine();
  machine.nft.failWith(new Error('no nft'));
  await using proxy = await startProxy(config, machine);
  await pass(machine);
  assert.equal(proxy.ready(), 'no nft');
  assert.equal(machine.sysctl.values.get('net.ipv4.conf.all.route_localnet'), undefined);
  machine.nft.failWith(undefined);
  await pass(machine, 1000);
  assert.equal(proxy.ready(), undefined);
  assert.equal(machine.sysctl.values.get('net.ipv4.conf.all.route_localnet'), '1');

  await using other = await createMachine();
  await using strict = await startProxy({ ...config, localhostPorts: false }, other);
  await pass(other);
  assert.equal(strict.ready(), undefined);
  assert.equal(other.sysctl.values.size, 0);
  assert.doesNotMatch(other.nft.transactions[0]!, /loopback/);
});

test('changes that come together are one transaction that touches nothing else', async () => {
  const others = [testService({ name: 'other', spec: { clusterIP: '10.43.0.8' } })];
  await using machine = await createMachine([testService(), testSlice(['10.42.0.2']), ...others]);
  await using proxy = await startProxy(config, machine);
  await pass(machine);
  await machine.client.update(endpointslices, testSlice(['10.42.0.2', '10.42.0.3']));
  await machine.client.create(services, testService({ name: 'third', spec: { clusterIP: '10.43.0.9' } }));
  await pass(machine);
  assert.equal(proxy.ready(), undefined);
  assert.equal(machine.nft.transactions.length, 2);
  const second = machine.nft.transactions[1]!;
  assert.doesNotMatch(second, /other|10\.43\.0\.8|table/);
  assert.match(second, /vmap \{ 0 : goto endpoint-\S+2\/8080, 1 : goto endpoint-\S+3\/8080 \}/);
  assert.match(second, /no-endpoint-services \{ 10\.43\.0\.9 \. tcp \. 80 /);
});

test('an update that changes no rule makes no transaction', async () => {
  await using machine = await createMachine();
  await using proxy = await startProxy(config, machine);
  await pass(machine);
  await machine.client.update(services, testService({ labels: { new: 'label' } }));
  await pass(machine);
  assert.equal(proxy.ready(), undefined);
  assert.equal(machine.nft.transactions.length, 1);
});

test('endless changes make at most ten transactions a second', async () => {
  await using machine = await createMachine();
  await using _proxy = await startProxy(config, machine);
  await pass(machine);
  const before = machine.nft.transactions.length;
  for (let turn = 0; turn < 100; turn++) {
    await machine.client.update(endpointslices, testSlice([`10.42.0.${turn + 3}`]));
    await settle(5);
    await machine.clock.advance(10);
  }
  const changes = machine.nft.transactions.slice(before).filter(text => !text.startsWith('delete chain'));
  assert.ok(changes.length >= 5 && changes.length <= 11, `${changes.length} transactions`);
});

test('chains of endpoints that are gone are emptied at once and deleted a second later', async () => {
  await using machine = await createMachine();
  await using _proxy = await startProxy(config, machine);
  await pass(machine);
  await machine.client.update(endpointslices, testSlice(['10.42.0.3']));
  await pass(machine);
  const gone = 'ip wherry-proxy endpoint-default/web/tcp/__10.42.0.2/8080';
  assert.match(machine.nft.transactions[1]!, new RegExp(`^flush chain ${gone}$`, 'm'));
  await pass(machine, 1200);
  assert.equal(machine.nft.transactions[2], `delete chain ${gone}\n`);
});

test('after a refused change the whole table is replaced, and the log says so', async () => {
  await using machine = await createMachine();
  await using proxy = await startProxy(config, machine);
  await pass(machine);
  machine.nft.failWith(new Error('refused'));
  await machine.client.update(endpointslices, testSlice(['10.42.0.3']));
  await pass(machine);
  assert.equal(proxy.ready(), 'service rules did not take a change, the whole table will be replaced');
  assert.ok(
    machine.log.records.some(({ level, fields }) => level === 'warn' && String(fields['error']).includes('replaced')),
  );
  machine.nft.failWith(undefined);
  await pass(machine, 2000);
  assert.equal(proxy.ready(), undefined);
  assert.match(machine.nft.transactions.at(-1)!, /^add table ip wherry-proxy\ndelete table/);
  assert.match(machine.nft.transactions.at(-1)!, /10\.42\.0\.3:8080/);
});

test('a table that a stranger flushed comes back within a minute', async () => {
  await using machine = await createMachine();
  await using proxy = await startProxy(config, machine);
  await pass(machine);
  machine.nft.known.clear();
  await pass(machine, 62_000);
  assert.equal(machine.nft.transactions.length, 2);
  assert.ok(machine.nft.known.has('ip wherry-proxy'));
  assert.equal(proxy.ready(), undefined);
});

test('host ports of pods that come and go on this node are followed', async () => {
  await using machine = await createMachine([]);
  await using _proxy = await startProxy(config, machine);
  await pass(machine);
  machine.client.seed(testPod());
  await pass(machine);
  assert.match(
    machine.nft.transactions[1]!,
    /hostports \{ tcp \. 8088 comment "default\/door" : goto hostport-tcp\/0\.0\.0\.0\/8088 \}/,
  );
  await machine.client.delete(pods, inDefault('door'), { gracePeriodSeconds: 0 });
  await pass(machine);
  assert.match(machine.nft.transactions[2]!, /delete element ip wherry-proxy hostports \{ tcp \. 8088 \}/);
});

test('flows to endpoints that are gone are forgotten, for UDP only', async () => {
  const udp = [{ name: '', port: 5353, protocol: 'UDP' }];
  const service = testService({ spec: { ports: [{ port: 53, protocol: 'UDP' }] } });
  await using machine = await createMachine([service, testSlice(['10.42.0.2'], { ports: udp })]);
  const flow = (answering: string) =>
    `udp 17 20 src=10.42.0.9 dst=10.43.0.7 sport=4000 dport=53 src=${answering} dst=10.42.0.9 sport=5353 dport=4000 mark=0 use=1`;
  const exec = createFakeExec(line => (line.includes('-L') ? `${flow('10.42.0.2')}\n${flow('10.42.0.3')}\n` : ''));
  await using _proxy = await startProxy(config, { ...machine, exec });
  await pass(machine);
  await machine.client.update(endpointslices, testSlice(['10.42.0.3'], { ports: udp }));
  await pass(machine);
  const forget = 'conntrack -D -f ipv4 -p udp --orig-dst 10.43.0.7 --orig-port-dst 53 --reply-src';
  const list = 'conntrack -L -f ipv4 -p udp';
  assert.deepEqual(exec.lines(), [list, `${forget} 10.42.0.3`, list, `${forget} 10.42.0.2`]);
});

test('without conntrack it works and says so once', async () => {
  const udp = [{ name: '', port: 5353, protocol: 'UDP' }];
  const service = testService({ spec: { ports: [{ port: 53, protocol: 'UDP' }] } });
  await using machine = await createMachine([service, testSlice(['10.42.0.2'], { ports: udp })]);
  const exec = createFakeExec(() => {
    throw new CommandError('conntrack: program not found', { code: 'missing', exitCode: undefined, stderr: '' });
  });
  await using proxy = await startProxy(config, { ...machine, exec });
  await pass(machine);
  await machine.client.update(endpointslices, testSlice(['10.42.0.3'], { ports: udp }));
  await pass(machine);
  assert.equal(proxy.ready(), undefined);
  assert.equal(machine.log.records.filter(({ level }) => level === 'warn').length, 1);
  assert.equal(machine.nft.transactions.length, 2);
});

test('stopping leaves the rules; removing takes them and the routing of loopback addresses away, twice too', async () => {
  await using machine = await createMachine();
  const proxy = await startProxy(config, machine);
  await pass(machine);
  await proxy[Symbol.asyncDispose]();
  assert.ok(machine.nft.known.has('ip wherry-proxy'));
  machine.nft.known.set('inet strange', { family: 'inet', name: 'strange' });
  for (let times = 0; times < 2; times++) await removeProxy(machine);
  assert.deepEqual([...machine.nft.known.keys()], ['inet strange']);
  assert.equal(machine.sysctl.values.get('net.ipv4.conf.all.route_localnet'), '0');
  await machine.client.update(endpointslices, testSlice(['10.42.0.3']));
  await pass(machine);
  assert.deepEqual([...machine.nft.known.keys()], ['inet strange']);
});

test('transactions are counted', async () => {
  await using machine = await createMachine();
  await using _proxy = await startProxy(config, machine);
  await pass(machine);
  const text = await machine.meter.text();
  assert.match(text, /^proxy_transactions_total\{kind="full",result="ok"\} 1$/m);
  assert.match(text, /^proxy_transaction_seconds_count\{kind="full"\} 1$/m);
  assert.match(text, /^proxy_rules 6$/m);
});
