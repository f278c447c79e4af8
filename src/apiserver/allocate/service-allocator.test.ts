import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KubeObject, type Resource, resources, type Service, type ServiceCIDR, type ServiceSpec } from '#api';
import { createRandom, parseCidr } from '#base';
import type { BootstrapWriter } from '../access/bootstrap-writer.ts';
import { createFakeReader } from '../access/testing.ts';
import { createTestRequest, runPlugin } from '../admission/testing.ts';
import { addressObject } from './address-object.ts';
import { ensureKubernetesService } from './kubernetes-service.ts';
import { createServiceAllocator } from './service-allocator.ts';

const cidr = parseCidr('10.43.0.0/16')!;

function open(cidrs = [cidr], nodePorts = { first: 30000, last: 32767 }) {
  const reader = createFakeReader();
  const allocator = createServiceAllocator({ reader, random: createRandom(), serviceCidrs: cidrs, nodePorts });
  const create = async (name: string, spec: ServiceSpec, dryRun = false) => {
    const object: Service = { metadata: { name, namespace: 'default' }, spec: structuredClone(spec) };
    const request = createTestRequest(resources.services, { object, dryRun });
    const message = await runPlugin(allocator, request);
    return { message, object, request, store: () => reader.put(resources.services, structuredClone(object)) };
  };
  const update = async (old: Service, change: Partial<ServiceSpec>) => {
    const object = { ...structuredClone(old), spec: { ...structuredClone(old.spec), ...change } };
    const request = createTestRequest(resources.services, { operation: 'UPDATE', object, old });
    return { message: await runPlugin(allocator, request), object, request };
  };
  return { reader, allocator, create, update };
}

const web = [{ port: 80, protocol: 'TCP' }];

test('a Service gets an address, a family and a policy', async () => {
  const { object } = await open().create('web', { type: 'ClusterIP', ports: web });
  assert.match(object.spec.clusterIP ?? '', /^10\.43\.\d+\.\d+$/);
  assert.deepEqual(object.spec.clusterIPs, [object.spec.clusterIP]);
  assert.deepEqual(object.spec.ipFamilies, ['IPv4']);
  assert.equal(object.spec.ipFamilyPolicy, 'SingleStack');
  assert.equal(object.spec.ports?.[0]?.nodePort, undefined);
});

test('headless and external Services get none', async () => {
  const world = open();
  const headless = await world.create('h', { type: 'ClusterIP', clusterIP: 'None', selector: { a: 'b' } });
  assert.deepEqual(headless.object.spec.clusterIPs, ['None']);
  assert.equal(headless.object.spec.ipFamilyPolicy, 'SingleStack');
  const open2 = await world.create('o', { type: 'ClusterIP', clusterIP: 'None' });
  assert.deepEqual(open2.object.spec.ipFamilies, ['IPv4', 'IPv6']);
  const external = await world.create('e', { type: 'ExternalName', externalName: 'x.example' });
  assert.deepEqual(external.object.spec, { type: 'ExternalName', externalName: 'x.example' });
});

test('an address that is asked for is given once, and is free again after a failed write or a delete', async () => {
  const { create, allocator, reader } = open();
  const ask = () => create('dns', { type: 'ClusterIP', clusterIP: '10.43.0.10', ports: web });
  const taken =
    'Service "dns" is invalid: spec.clusterIPs: Invalid value: ["10.43.0.10"]: failed to allocate IP 10.43.0.10: provided IP is already allocated';
  const first = await ask();
  assert.equal(first.message, undefined);
  assert.equal((await ask()).message, taken, 'while the write is on its way');
  allocator.release(first.request);
  const second = await ask();
  assert.equal(second.message, undefined);
  second.store();
  allocator.settle(second.request);
  assert.equal((await ask()).message, taken, 'while it is stored');
  reader.remove(resources.services, second.object);
  assert.equal((await ask()).message, undefined);
});

test('addresses outside the range are refused as upstream words it', async () => {
  const { create } = open();
  for (const address of ['10.44.0.1', '10.43.0.0', '10.43.255.255']) {
    const { message } = await create('x', { type: 'ClusterIP', clusterIP: address });
    assert.equal(
      message,
      `Service "x" is invalid: spec.clusterIPs: Invalid value: ["${address}"]: failed to allocate IP ${address}: the provided network does not match the current range`,
    );
  }
});

test('a dry run takes nothing', async () => {
  const { create } = open([parseCidr('10.0.0.0/30')!]);
  for (let round = 0; round < 5; round++) {
    assert.equal((await create(`d${round}`, { type: 'ClusterIP' }, true)).message, undefined);
  }
  assert.equal((await create('a', { type: 'ClusterIP' })).message, undefined);
  assert.equal((await create('b', { type: 'ClusterIP' })).message, undefined);
  assert.equal(
    (await create('c', { type: 'ClusterIP' })).message,
    'Internal error occurred: failed to allocate a serviceIP: range is full',
  );
});

test('a full range hands out every address exactly once', async () => {
  const { create } = open([parseCidr('10.0.0.0/24')!]);
  const given = new Set<string>();
  for (let index = 0; index < 254; index++) {
    const { object, store } = await create(`s${index}`, { type: 'ClusterIP' });
    store();
    given.add(object.spec.clusterIP ?? '');
  }
  assert.equal(given.size, 254);
});

test('node ports: chosen ones are honoured, collisions are named, TCP and UDP of one port share', async () => {
  const { create, reader } = open();
  const both = [
    { name: 'tcp', port: 53, protocol: 'TCP', nodePort: 30053 },
    { name: 'udp', port: 53, protocol: 'UDP' },
  ];
  const dns = await create('dns', { type: 'NodePort', ports: both });
  assert.deepEqual(
    dns.object.spec.ports?.map(port => port.nodePort),
    [30053, 30053],
  );
  dns.store();
  const again = await create('x', { type: 'NodePort', ports: [{ port: 80, protocol: 'TCP', nodePort: 30053 }] });
  assert.equal(
    again.message,
    'Service "x" is invalid: spec.ports[0].nodePort: Invalid value: 30053: provided port is already allocated',
  );
  const outside = await create('x', { type: 'NodePort', ports: [{ port: 80, protocol: 'TCP', nodePort: 80 }] });
  assert.equal(
    outside.message,
    'Service "x" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
  );
  reader.remove(resources.services, dns.object);
  assert.equal(
    (await create('x', { type: 'NodePort', ports: [{ port: 80, protocol: 'TCP', nodePort: 30053 }] })).message,
    undefined,
  );
  const any = await create('y', { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: web });
  const port = any.object.spec.ports?.[0]?.nodePort ?? 0;
  assert.ok(port >= 30086 && port <= 32767, `${port} lies in the band for chance`);
  assert.ok(any.object.spec.healthCheckNodePort);
  assert.notEqual(any.object.spec.healthCheckNodePort, port);
  const without = await create('z', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: web });
  assert.equal(without.object.spec.ports?.[0]?.nodePort, undefined);
});

test('a failed write gives its ports back together', async () => {
  const { create } = open([cidr], { first: 30000, last: 30001 });
  const ports = [
    { port: 1, protocol: 'TCP', nodePort: 30000 },
    { port: 2, protocol: 'TCP', nodePort: 40000 },
  ];
  assert.match((await create('a', { type: 'NodePort', ports })).message ?? '', /spec.ports\[1\]/);
  assert.equal(
    (await create('b', { type: 'NodePort', ports: [{ port: 1, protocol: 'TCP', nodePort: 30000 }] })).message,
    undefined,
  );
});

test('an update keeps what is held, and a change of type takes and frees', async () => {
  const { create, update, reader, allocator } = open();
  const { object, store } = await create('web', { type: 'ClusterIP', ports: web });
  store();
  const stored = reader.get(resources.services, 'default', 'web')!;
  const toNodePort = await update(stored, { type: 'NodePort', clusterIP: undefined, clusterIPs: undefined });
  assert.equal(toNodePort.object.spec.clusterIP, object.spec.clusterIP);
  const nodePort = toNodePort.object.spec.ports?.[0]?.nodePort ?? 0;
  assert.ok(nodePort > 0);
  reader.put(resources.services, toNodePort.object);
  allocator.settle(toNodePort.request);
  const kept = await update(toNodePort.object, { selector: { a: 'b' }, ports: structuredClone(web) });
  assert.equal(kept.message, undefined);
  assert.equal(kept.object.spec.ports?.[0]?.nodePort, nodePort, 'a port that the update leaves out stays');
  const external: Service = { ...object, spec: { type: 'ExternalName', externalName: 'x' } };
  reader.put(resources.services, external);
  const next = { type: 'NodePort', clusterIP: object.spec.clusterIP, ports: [{ port: 80, protocol: 'TCP', nodePort }] };
  assert.equal((await create('other', next)).message, undefined, 'address and port were freed');
  const back = await update(external, { type: 'ClusterIP' });
  assert.ok(back.object.spec.clusterIP);
});

test('families the cluster does not have are refused, two are used where there are two', async () => {
  const single = open();
  assert.match(
    (await single.create('x', { type: 'ClusterIP', ipFamilyPolicy: 'RequireDualStack' })).message ?? '',
    /spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services/,
  );
  assert.match(
    (await single.create('x', { type: 'ClusterIP', ipFamilies: ['IPv6'] })).message ?? '',
    /spec.ipFamilies\[0\]: Invalid value: "IPv6": not configured on this cluster/,
  );
  const dual = open([cidr, parseCidr('fd00:43::/112')!]);
  const { object } = await dual.create('y', { type: 'ClusterIP', ipFamilyPolicy: 'PreferDualStack' });
  assert.deepEqual(object.spec.ipFamilies, ['IPv4', 'IPv6']);
  assert.match(object.spec.clusterIPs?.[1] ?? '', /^fd00:43::/);
});

test('a restart knows what is taken and tells what is taken twice', async () => {
  const reader = createFakeReader();
  const service = (name: string, clusterIP: string): Service => ({
    metadata: { name, namespace: 'a' },
    spec: { type: 'NodePort', clusterIP, clusterIPs: [clusterIP], ports: [{ port: 80, nodePort: 30001 }] },
  });
  reader.put(resources.services, service('one', '10.43.0.5'), service('two', '10.43.0.5'), service('far', '10.99.0.1'));
  const nodePorts = { first: 30000, last: 32767 };
  const allocator = createServiceAllocator({ reader, random: createRandom(), serviceCidrs: [cidr], nodePorts });
  assert.deepEqual(
    allocator.problems().map(problem => `${problem.service}: ${problem.message}`),
    [
      'a/two: the cluster IP 10.43.0.5 is used by another service too',
      'a/two: Port 30001 was assigned to multiple services; please recreate service',
      'a/far: the cluster IP 10.99.0.1 is not within any configured Service CIDR',
      'a/far: Port 30001 was assigned to multiple services; please recreate service',
    ],
  );
  reader.remove(resources.services, service('one', '10.43.0.5'));
  const request = createTestRequest(resources.services, { object: service('new', '10.43.0.5') });
  assert.match((await runPlugin(allocator, request)) ?? '', /already allocated/, 'two still holds it');
});

const range = (name: string, cidrs: string[], more: object = {}): ServiceCIDR => ({
  metadata: { name },
  spec: { cidrs },
  ...more,
});

test('ServiceCIDRs say where addresses come from: further ones when the first is full, none that goes or is not ready', async () => {
  const { create, reader } = open([parseCidr('10.0.0.0/30')!]);
  reader.put(resources.servicecidrs, range('kubernetes', ['10.0.0.0/30']), range('more', ['10.9.0.0/29']));
  const given: string[] = [];
  for (let index = 0; index < 8; index++) {
    const { object, store } = await create(`s${index}`, { type: 'ClusterIP' });
    store();
    given.push(object.spec.clusterIP ?? '');
  }
  assert.deepEqual(given.slice(0, 2).toSorted(), ['10.0.0.1', '10.0.0.2']);
  assert.equal(new Set(given).size, 8);
  const full = 'Internal error occurred: failed to allocate a serviceIP: range is full';
  assert.equal((await create('x', { type: 'ClusterIP' })).message, full);
  const notReady = { status: { conditions: [{ type: 'Ready', status: 'False' }] } };
  reader.put(resources.servicecidrs, range('third', ['10.8.0.0/28'], notReady));
  assert.equal((await create('x', { type: 'ClusterIP' })).message, full, 'not ready');
  reader.put(resources.servicecidrs, range('third', ['10.8.0.0/28']));
  assert.match((await create('x', { type: 'ClusterIP' })).object.spec.clusterIP ?? '', /^10\.8\.0\./);
  const going = { metadata: { name: 'third', deletionTimestamp: '2030-01-01T00:00:00Z' } };
  reader.put(resources.servicecidrs, range('third', ['10.8.0.0/28'], going));
  assert.match(
    (await create('x', { type: 'ClusterIP', clusterIP: '10.8.0.5' })).message ?? '',
    /the provided network does not match the current range/,
  );
});

test('an IPAddress of something else keeps its address from Services, that of a Service does not', async () => {
  const { create, reader } = open();
  const parentRef = { group: 'gateway.example', resource: 'gateways', name: 'g' };
  reader.put(resources.ipaddresses, { metadata: { name: '10.43.0.7' }, spec: { parentRef } });
  const { message } = await create('x', { type: 'ClusterIP', clusterIP: '10.43.0.7' });
  assert.match(message ?? '', /provided IP is already allocated/);
  reader.put(resources.ipaddresses, addressObject('10.43.0.8', { metadata: { name: 'gone', namespace: 'a' } }));
  assert.equal((await create('x', { type: 'ClusterIP', clusterIP: '10.43.0.8' })).message, undefined);
});

test('the IPAddress is there before the Service, and goes when the Service is not stored', async () => {
  const reader = createFakeReader();
  const addresses = new Map<string, KubeObject>();
  const writer = {
    get: async <T extends KubeObject>(_: unknown, { name }: { name: string }) => addresses.get(name) as T | undefined,
    create: async <T extends KubeObject>(_: unknown, object: T) => {
      addresses.set(object.metadata.name ?? '', object);
      return object;
    },
    delete: async (_: unknown, { name }: { name: string }) => addresses.delete(name),
  };
  const nodePorts = { first: 30000, last: 32767 };
  const options = { reader, random: createRandom(), serviceCidrs: [cidr], nodePorts, writer: () => writer };
  const allocator = createServiceAllocator(options);
  const object: Service = { metadata: { name: 'a', namespace: 'shop' }, spec: { clusterIP: '10.43.1.1' } };
  const request = createTestRequest(resources.services, { object });
  assert.equal(await runPlugin(allocator, request), undefined);
  assert.deepEqual(addresses.get('10.43.1.1'), {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: {
      name: '10.43.1.1',
      labels: {
        'ipaddress.kubernetes.io/ip-family': 'IPv4',
        'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
      },
    },
    spec: { parentRef: { resource: 'services', namespace: 'shop', name: 'a' } },
  });
  allocator.release(request);
  assert.equal(addresses.size, 0);
});

test('the kubernetes Service stands at the first address and follows the server', async () => {
  const reader = createFakeReader();
  const writes: string[] = [];
  const put = async <T extends KubeObject>(resource: Resource<T>, object: T) => {
    writes.push(resource.resource);
    reader.put(resource, object);
    return object;
  };
  const writer: BootstrapWriter = {
    get: async (resource, { namespace, name }) => reader.get(resource, namespace, name),
    create: put,
    update: put,
  };
  await ensureKubernetesService(writer, { serviceCidr: cidr, servers: [{ address: '192.0.2.1', port: 6443 }] });
  const found = reader.get(resources.services, 'default', 'kubernetes');
  assert.equal(found?.spec.clusterIP, '10.43.0.1');
  assert.deepEqual(found?.spec.ports, [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }]);
  await ensureKubernetesService(writer, { serviceCidr: cidr, servers: [{ address: '192.0.2.1', port: 6443 }] });
  assert.deepEqual(writes, ['services', 'endpoints', 'endpointslices'], 'a second time nothing is written');
  await ensureKubernetesService(writer, { serviceCidr: cidr, servers: [{ address: '192.0.2.9', port: 6443 }] });
  const slice = reader.get(resources.endpointslices, 'default', 'kubernetes');
  assert.deepEqual(slice?.endpoints?.[0]?.addresses, ['192.0.2.9']);
  assert.equal(reader.get(resources.endpoints, 'default', 'kubernetes')?.subsets?.[0]?.addresses?.[0]?.ip, '192.0.2.9');
});
