import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '#api';
import { resources } from '#api';
import { createSystemClock } from '#base';
import { createFakeDeps } from '#client/testing';
import { removeProxy } from './remove-proxy.ts';
import { startProxy } from './start-proxy.ts';
import { testPod, testService, testSlice } from './testing/objects.ts';
import { ask, createWorld, findObstacle, run } from './testing/world.ts';

const ports = [
  { name: 'main', port: 80, protocol: 'TCP' },
  { name: 'datagrams', port: 53, protocol: 'UDP' },
];
const slicePorts = [
  { name: 'main', port: 8080, protocol: 'TCP' },
  { name: 'datagrams', port: 8080, protocol: 'UDP' },
];

test('services in a kernel', { timeout: 120_000 }, async t => {
  const obstacle = await findObstacle();
  if (obstacle) return t.skip(obstacle);
  await using world = await createWorld();
  const { node, client, nft, sysctl } = world;
  const [one, two, three] = [
    await world.pod('one', '10.42.0.2'),
    await world.pod('two', '10.42.0.3'),
    await world.pod('three', '10.42.0.4'),
  ];
  await world.serve(one, 'one', [8080]);
  await world.serve(two, 'two', [8080]);
  await world.serve(three, 'three', [8080]);
  await nft.run('add table inet strange\n');

  await using deps = createFakeDeps();
  const config = { nodeName: 'a', nodeIps: [node.address], clusterCidrs: ['10.42.0.0/16'] };
  const proxyDeps = { ...deps, clock: createSystemClock(), nft, sysctl, exec: node.exec };
  const service = (name: string, clusterIP: string, spec: Partial<Service['spec']> = {}) =>
    testService({ name, spec: { clusterIP, ports, ...spec } });
  const nodePorts = (first: number) => ports.map((port, index) => ({ ...port, nodePort: first + index }));
  const slice = (of: string, endpoints: string[]) => testSlice(endpoints, { name: `${of}-1`, of, ports: slicePorts });
  deps.client.seed(
    service('web', '10.43.0.1', { type: 'NodePort', ports: nodePorts(30080) }),
    slice('web', ['10.42.0.2', '10.42.0.3']),
    service('self', '10.43.0.2'),
    slice('self', ['10.42.0.2']),
    service('sticky', '10.43.0.3', { sessionAffinity: 'ClientIP' }),
    slice('sticky', ['10.42.0.2', '10.42.0.3', '10.42.0.4']),
    service('empty', '10.43.0.4', { type: 'NodePort', ports: nodePorts(30084) }),
    service('near', '10.43.0.5', { type: 'NodePort', ports: nodePorts(30088), externalTrafficPolicy: 'Local' }),
    slice('near', ['10.42.0.2', '10.42.0.3@b']),
    service('far', '10.43.0.6', {
      ...{ type: 'NodePort', ports: nodePorts(30092), externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' },
    }),
    slice('far', ['10.42.0.3@b']),
    testService({
      name: 'balanced',
      ingress: [{ ip: '203.0.113.5' }],
      spec: {
        type: 'LoadBalancer',
        clusterIP: '10.43.0.7',
        ports,
        loadBalancerSourceRanges: ['192.168.7.0/24', '10.42.0.4/32'],
      },
    }),
    slice('balanced', ['10.42.0.2']),
    service('outer', '10.43.0.8', { externalIPs: ['198.51.100.7'] }),
    slice('outer', ['10.42.0.2']),
    service('moving', '10.43.0.9'),
    slice('moving', ['10.42.0.2']),
    // No packets: many kernels lack the module. The rules must be taken all the same.
    service('calls', '10.43.0.10', { ports: [{ port: 5060, protocol: 'SCTP' }] }),
    testSlice(['10.42.0.2'], { name: 'calls-1', of: 'calls', ports: [{ name: '', port: 5060, protocol: 'SCTP' }] }),
    testPod({ name: 'door', ip: three.address }),
  );
  let proxy = await startProxy(config, proxyDeps);
  await nft.applied(/add table ip wherry-proxy/);
  const update = async (changed: EndpointSlice, pattern: RegExp) => {
    await deps.client.update(resources.endpointslices, changed);
    await nft.applied(pattern);
  };
  const names = (answers: string[]) => [...new Set(answers.map(answer => answer.split(' ')[0]))].sort();
  const hang = { timeoutMs: 700 };

  await t.test('a cluster IP reaches every endpoint, under the address of the pod that calls', async () => {
    const answers = await ask(three, { host: '10.43.0.1', port: 80, count: 40 });
    assert.deepEqual([...new Set(answers)].sort(), ['one 10.42.0.4', 'two 10.42.0.4']);
  });
  await t.test('the node itself reaches a cluster IP', async () => {
    assert.deepEqual(names(await ask(node, { host: '10.43.0.1', port: 80, count: 40 })), ['one', 'two']);
  });
  await t.test('a cluster IP that is called from outside the cluster is masqueraded', async () => {
    const answers = await ask(client, { host: '10.43.0.1', port: 80, count: 40 });
    assert.deepEqual([...new Set(answers)].sort(), ['one 10.42.0.1', 'two 10.42.0.1']);
  });
  await t.test('UDP reaches every endpoint', async () => {
    const answers = await ask(three, { protocol: 'udp', host: '10.43.0.1', port: 53, count: 40 });
    assert.deepEqual([...new Set(answers)].sort(), ['one 10.42.0.4', 'two 10.42.0.4']);
  });
  await t.test('a node port answers outside, on the node, on its loopback, and for pods', async () => {
    for (const [from, host] of [
      [client, node.address],
      [node, node.address],
      [node, '127.0.0.1'],
      [three, node.address],
    ] as const) {
      assert.deepEqual(
        names(await ask(from, { host, port: 30080, count: 30 })),
        ['one', 'two'],
        `${from.name} to ${host}`,
      );
      const [answer] = await ask(from, { protocol: 'udp', host, port: 30081 });
      assert.match(answer ?? '', /^(one|two) /, `${from.name} to ${host} by UDP`);
    }
  });
  await t.test('a pod reaches itself through its Service, and sees the node', async () => {
    assert.deepEqual(await ask(one, { host: '10.43.0.2', port: 80 }), ['one 10.42.0.1']);
    assert.deepEqual(await ask(one, { protocol: 'udp', host: '10.43.0.2', port: 53 }), ['one 10.42.0.1']);
  });
  await t.test('a client stays with its endpoint', async () => {
    for (const from of [client, node, one]) {
      assert.equal(names(await ask(from, { host: '10.43.0.3', port: 80, count: 25 })).length, 1);
    }
  });
  await t.test('a Service without endpoints refuses at once, wherever it is asked', async () => {
    for (const [from, host, port] of [
      [three, '10.43.0.4', 80],
      [node, '10.43.0.4', 80],
      [client, '10.43.0.4', 80],
      [client, node.address, 30084],
      [node, '127.0.0.1', 30084],
    ] as const) {
      assert.deepEqual(await ask(from, { host, port, timeoutMs: 1500 }), ['ECONNREFUSED'], `${from.name} to ${host}`);
    }
    assert.deepEqual(await ask(three, { protocol: 'udp', host: '10.43.0.4', port: 53 }), ['ECONNREFUSED']);
  });
  await t.test('a port that a cluster IP does not have refuses', async () => {
    for (const from of [three, node, client]) {
      assert.deepEqual(await ask(from, { host: '10.43.0.1', port: 81, timeoutMs: 1500 }), ['ECONNREFUSED']);
    }
  });
  await t.test('externalTrafficPolicy Local keeps to this node and to the address of the client', async () => {
    const answers = await ask(client, { host: node.address, port: 30088, count: 20 });
    assert.deepEqual([...new Set(answers)], ['one 192.168.7.2']);
    // Pods are not bound to it.
    assert.deepEqual(names(await ask(three, { host: node.address, port: 30088, count: 30 })), ['one', 'two']);
    assert.deepEqual(names(await ask(node, { host: '127.0.0.1', port: 30088, count: 30 })), ['one', 'two']);
  });
  await t.test(
    'where a Local policy has no endpoint here, packets are dropped, for node ports only those from outside',
    async () => {
      assert.deepEqual(await ask(three, { host: '10.43.0.6', port: 80, ...hang }), ['TIMEOUT']);
      assert.deepEqual(await ask(node, { host: '10.43.0.6', port: 80, ...hang }), ['TIMEOUT']);
      assert.deepEqual(await ask(client, { host: node.address, port: 30092, ...hang }), ['TIMEOUT']);
      assert.deepEqual(names(await ask(three, { host: node.address, port: 30092 })), ['two']);
    },
  );
  await t.test('a load balancer address answers whom its source ranges let in', async () => {
    assert.deepEqual(names(await ask(client, { host: '203.0.113.5', port: 80 })), ['one']);
    assert.deepEqual(names(await ask(three, { host: '203.0.113.5', port: 80 })), ['one']);
    assert.deepEqual(names(await ask(node, { host: '203.0.113.5', port: 80 })), ['one']);
    assert.deepEqual(await ask(two, { host: '203.0.113.5', port: 80, ...hang }), ['TIMEOUT']);
  });
  await t.test('an external IP answers', async () => {
    assert.deepEqual(names(await ask(client, { host: '198.51.100.7', port: 80 })), ['one']);
  });
  await t.test(
    'a host port leads to its pod under the address of the client, also on loopback and to itself',
    async () => {
      assert.deepEqual(await ask(client, { host: node.address, port: 8088 }), ['three 192.168.7.2']);
      assert.deepEqual(await ask(node, { host: '127.0.0.1', port: 8088 }), ['three 10.42.0.1']);
      assert.deepEqual(await ask(three, { host: node.address, port: 8088 }), ['three 10.42.0.1']);
    },
  );
  await t.test('loopback addresses are not to be reached from the wire, though they are routed', async () => {
    await world.serve(node, 'private', [9999], '127.0.0.5');
    await run(client.exec, 'ip route add 127.0.0.5/32 via 192.168.7.1 table local');
    await run(client.exec, 'sysctl -qw net.ipv4.conf.all.route_localnet=1');
    assert.equal(await sysctl.read('net.ipv4.conf.all.route_localnet'), '1');
    assert.deepEqual(await ask(client, { host: '127.0.0.5', port: 9999, ...hang }), ['TIMEOUT']);
    // Without the guard it would be: the test means something.
    await nft.run(
      'flush chain ip wherry-proxy loopback-prerouting\nflush chain ip wherry-proxy loopback-postrouting\n',
    );
    assert.deepEqual(await ask(client, { host: '127.0.0.5', port: 9999 }), ['private 192.168.7.2']);
  });
  await t.test('no request fails and no client moves while it starts again, which puts everything back', async () => {
    const stays = names(await ask(client, { host: '10.43.0.3', port: 80 }));
    const asking = ask(client, { host: node.address, port: 30080, count: 400, timeoutMs: 2000 });
    await proxy[Symbol.asyncDispose]();
    proxy = await startProxy(config, proxyDeps);
    await nft.applied(/add table ip wherry-proxy/);
    assert.deepEqual(names(await asking), ['one', 'two']);
    assert.deepEqual(names(await ask(client, { host: '10.43.0.3', port: 80, count: 20 })), stays);
    assert.deepEqual(await ask(client, { host: '127.0.0.5', port: 9999, ...hang }), ['TIMEOUT']);
  });
  await t.test('an endpoint that is removed gets nothing more', async () => {
    await update(slice('web', ['10.42.0.2']), /flush chain \S+ \S+ endpoint-default\/web\/tcp\/main__10\.42\.0\.3/);
    assert.deepEqual(names(await ask(three, { host: '10.43.0.1', port: 80, count: 30 })), ['one']);
    await update(slice('web', []), /no-endpoint-services \{ 10\.43\.0\.1 /);
    assert.deepEqual(await ask(three, { host: '10.43.0.1', port: 80 }), ['ECONNREFUSED']);
    await nft.applied(/^delete chain ip wherry-proxy endpoint-default\/web/m);
    await update(slice('web', ['10.42.0.3']), /service-ips \{ 10\.43\.0\.1 /);
    assert.deepEqual(names(await ask(three, { host: '10.43.0.1', port: 80, count: 10 })), ['two']);
  });
  await t.test('a UDP client that never pauses follows an endpoint that moves', async t => {
    if (!(await run(node.exec, 'conntrack -V').catch(() => ''))) return t.skip('conntrack is not installed');
    const talk = world.talk(three, '10.43.0.9', 53);
    assert.equal(await talk(), 'one 10.42.0.4');
    await update(slice('moving', ['10.42.0.3']), /endpoint-default\/moving\/udp/);
    // The flow is removed behind the transaction; the queue is done with it when it is disposed.
    await proxy[Symbol.asyncDispose]();
    assert.equal(await talk(), 'two 10.42.0.4');
  });
  await t.test('removing leaves nothing of ours and all of others', async () => {
    await proxy[Symbol.asyncDispose]();
    for (let times = 0; times < 2; times++) await removeProxy({ nft, sysctl });
    assert.deepEqual(
      (await nft.tables()).map(({ name }) => name),
      ['strange'],
    );
    assert.equal(await sysctl.read('net.ipv4.conf.all.route_localnet'), '0');
    assert.deepEqual(await ask(client, { host: node.address, port: 30080 }), ['ECONNREFUSED']);
  });
  assert.deepEqual(
    deps.log.records.filter(({ level }) => level === 'warn' || level === 'error'),
    [],
  );
});
