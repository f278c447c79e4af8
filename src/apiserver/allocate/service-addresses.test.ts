import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject, Resource, Service } from '#api';
import { resources } from '#api';
import { createRandom, parseCidr } from '#base';
import { createFakeClock, createRecordingLog } from '#base/testing';
import { createFakeClient, settle } from '#client/testing';
import type { ObjectReader } from '../reader.ts';
import { addressObject } from './address-object.ts';
import { startServiceAddresses } from './service-addresses.ts';

const watched: readonly Resource<KubeObject>[] = [
  resources.services,
  resources.ipaddresses,
  resources.servicecidrs,
] as never;

/** A reader of what the client stores; `settled` tells it what changed until nothing changes. */
function open() {
  const clock = createFakeClock();
  const client = createFakeClient([], { clock });
  const listeners: { resource: Resource<KubeObject>; handle(object: KubeObject, deleted: boolean): void }[] = [];
  const shown = new Map<string, KubeObject>();
  const reader: ObjectReader = {
    get: (resource, namespace, name) => client.peek(resource, { namespace, name }),
    list: resource => client.peekAll(resource),
    onChange(resource, handle) {
      listeners.push({ resource: resource as never, handle: handle as never });
      return { [Symbol.dispose]: () => undefined };
    },
  };
  const tell = () => {
    let changes = 0;
    for (const resource of watched) {
      const keyOf = ({ metadata }: KubeObject) => `${resource.resource} ${metadata.namespace}/${metadata.name}`;
      const present = new Map(client.peekAll(resource).map(object => [keyOf(object), object]));
      const gone = [...shown].filter(([key]) => key.startsWith(`${resource.resource} `) && !present.has(key));
      const changed = [...present].filter(
        ([key, { metadata }]) => shown.get(key)?.metadata.resourceVersion !== metadata.resourceVersion,
      );
      for (const [key, object] of [...changed, ...gone]) {
        const deleted = !present.has(key);
        if (deleted) shown.delete(key);
        else shown.set(key, structuredClone(object));
        for (const one of listeners) if (one.resource.resource === resource.resource) one.handle(object, deleted);
        changes += 1;
      }
    }
    return changes;
  };
  const settled = async () => {
    do await settle();
    while (tell() > 0);
  };
  const start = async (ranges = ['10.43.0.0/16']) => {
    const log = createRecordingLog();
    const serviceCidrs = ranges.map(range => parseCidr(range)!);
    const nodePorts = { first: 30000, last: 32767 };
    const options = { reader, client, clock, random: createRandom(), log, serviceCidrs, nodePorts };
    const running = await startServiceAddresses(options);
    await settle();
    // Names of events have their time in them.
    await clock.advance(1);
    await settled();
    return running;
  };
  const range = (name: string) => client.peek(resources.servicecidrs, { name });
  const address = (name: string) => client.peek(resources.ipaddresses, { name });
  const events = () =>
    client
      .peekAll(resources.events)
      .map(({ reason, message, involvedObject }) => `${involvedObject.name} ${reason}: ${message}`);
  return { clock, client, settled, start, range, address, events };
}

const service = (name: string, clusterIP: string, spec: object = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ...spec },
});

test('the default ServiceCIDR is made, is ready, has its finalizer, and comes back', async () => {
  const { client, settled, start, range } = open();
  await using _running = await start();
  const made = range('kubernetes');
  assert.deepEqual(made?.spec?.cidrs, ['10.43.0.0/16']);
  assert.deepEqual(made?.metadata.finalizers, ['networking.k8s.io/service-cidr-finalizer']);
  assert.deepEqual(
    made?.status?.conditions?.map(({ type, status, message }) => ({ type, status, message })),
    [{ type: 'Ready', status: 'True', message: 'Kubernetes default Service CIDR is ready' }],
  );
  await client.update(resources.servicecidrs, { ...made, metadata: { ...made?.metadata, finalizers: [] } } as never);
  await client.delete(resources.servicecidrs, { name: 'kubernetes' });
  await settled();
  assert.equal(range('kubernetes')?.status?.conditions?.[0]?.status, 'True');
});

test('a second family is added to the default ServiceCIDR; another range is only complained of', async () => {
  const dual = open();
  dual.client.seed({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: ['10.43.0.0/16'] },
  } as never);
  await using _dual = await dual.start(['10.43.0.0/16', 'fd00::/112']);
  assert.deepEqual(dual.range('kubernetes')?.spec?.cidrs, ['10.43.0.0/16', 'fd00::/112']);
  const other = open();
  other.client.seed({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: ['10.99.0.0/16'] },
  } as never);
  await using _other = await other.start();
  assert.deepEqual(other.range('kubernetes')?.spec?.cidrs, ['10.99.0.0/16']);
  assert.deepEqual(other.events(), [
    'kubernetes KubernetesDefaultServiceCIDRInconsistent: The default ServiceCIDR [10.99.0.0/16] does not match the controller flag configurations [10.43.0.0/16]',
  ]);
});

test('a range goes when no Service has an address of it, ten seconds later', async () => {
  const { client, clock, settled, start, range } = open();
  await using _running = await start();
  await client.create(resources.servicecidrs, {
    metadata: { name: 'more' },
    spec: { cidrs: ['10.9.0.0/24'] },
  } as never);
  await client.create(resources.ipaddresses, addressObject('10.9.0.3', service('a', '10.9.0.3')));
  await client.create(resources.services, service('a', '10.9.0.3'));
  await settled();
  assert.equal(range('more')?.status?.conditions?.[0]?.message, 'Kubernetes Service CIDR is ready');
  await client.delete(resources.servicecidrs, { name: 'more' });
  await settled();
  const [condition] = range('more')?.status?.conditions ?? [];
  assert.equal(condition?.status, 'False');
  assert.equal(condition?.reason, 'Terminating');
  await client.delete(resources.services, { namespace: 'shop', name: 'a' });
  await settled();
  assert.ok(range('more'), 'other servers may not know yet');
  await clock.advance(10_000);
  await settled();
  assert.equal(range('more'), undefined);
});

test('a Service without its IPAddress gets it, and one whose Service is gone goes', async () => {
  const { client, settled, start, address, events, clock } = open();
  client.seed(service('a', '10.43.0.9'));
  await using _running = await start();
  assert.deepEqual(address('10.43.0.9')?.spec?.parentRef, { resource: 'services', namespace: 'shop', name: 'a' });
  assert.deepEqual(events(), ['a ClusterIPNotAllocated: Cluster IP [IPv4]: 10.43.0.9 is not allocated; repairing']);
  await client.delete(resources.services, { namespace: 'shop', name: 'a' });
  await settled();
  assert.equal(address('10.43.0.9'), undefined, 'at once');
  await client.create(resources.ipaddresses, addressObject('10.43.0.8', service('never', '10.43.0.8')));
  await settled();
  assert.ok(address('10.43.0.8'), 'its Service may be on its way');
  await clock.advance(60_000);
  await settled();
  assert.equal(address('10.43.0.8'), undefined);
  assert.match(
    events()[1] ?? '',
    /^10.43.0.8 IPAddressNotAllocated: .*shop\/never appears to have leaked: cleaning up$/,
  );
});

test('wrong references and labels are put right; what other programs keep is left alone', async () => {
  const { client, settled, start, address, events } = open();
  await using _running = await start();
  const wrongLabels = addressObject('10.43.0.2', service('a', '10.43.0.2'));
  wrongLabels.metadata.labels = {};
  await client.create(resources.ipaddresses, wrongLabels);
  await client.create(resources.ipaddresses, addressObject('10.43.0.3', service('gone', '10.43.0.3')));
  const foreign = { metadata: { name: '10.43.0.4' }, spec: { parentRef: { resource: 'gateways', name: 'g' } } };
  await client.create(resources.ipaddresses, foreign);
  await client.create(resources.services, service('a', '10.43.0.2'));
  await client.create(resources.services, service('b', '10.43.0.3'));
  await settled();
  assert.equal(address('10.43.0.2')?.metadata.labels?.['ipaddress.kubernetes.io/managed-by'], 'ipallocator.k8s.io');
  assert.equal(address('10.43.0.3')?.spec?.parentRef?.name, 'b');
  assert.equal(address('10.43.0.4')?.spec?.parentRef?.name, 'g');
  assert.deepEqual(events(), [
    'b ClusterIPNotAllocated: the ClusterIP [IPv4]: 10.43.0.3 for Service shop/b has a wrong reference; repairing',
  ]);
});

test('addresses and ports that are used twice or lie outside are complained of', async () => {
  const { client, start, events } = open();
  const ports = (nodePort: number) => ({ type: 'NodePort', ports: [{ port: 80, nodePort }] });
  client.seed(
    addressObject('10.43.0.5', service('one', '10.43.0.5')),
    service('one', '10.43.0.5', ports(30001)),
    service('two', '10.43.0.5', ports(30001)),
    service('far', '10.99.0.1', ports(80)),
  );
  await using _running = await start();
  assert.deepEqual(events().toSorted(), [
    'far ClusterIPOutOfRange: Cluster IP [IPv4]: 10.99.0.1 is not within any configured Service CIDR; please recreate service',
    'far PortOutOfRange: Port 80 is not within the port range 30000-32767; please recreate service',
    'two ClusterIPAlreadyAllocated: Cluster IP [IPv4]:10.43.0.5 was assigned to multiple services; please recreate service',
    'two PortAlreadyAllocated: Port 30001 was assigned to multiple services; please recreate service',
  ]);
});
