import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint, EndpointSlice, Pod, Service } from '#api';
import { resources } from '#api';
import type { TestControllers } from '../testing.ts';
import { startTestControllers } from '../testing.ts';
import { endpointSlices } from './endpoint-slices.ts';
import { endpoints } from './endpoints.ts';
import { planEndpoints } from './plan-endpoints.ts';
import { planSlices } from './plan-slices.ts';

const { pods, services, endpointslices } = resources;
const ref = { namespace: 'default', name: 'web' };

function pod(index: number, ready = true, more: Partial<Pod['metadata']> = {}): Pod {
  const ip = `10.42.${Math.floor(index / 250)}.${(index % 250) + 1}`;
  return {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: { namespace: 'default', name: `p${index}`, uid: `u${index}`, labels: { app: 'web' }, ...more },
    spec: { nodeName: 'n1', containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 8080 }] }] },
    status: {
      phase: 'Running',
      podIP: ip,
      podIPs: [{ ip }],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}
const service = (more: Partial<NonNullable<Service['spec']>> = {}): Service => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { ...ref, uid: 'svc', labels: { team: 'a' } } },
  spec: {
    selector: { app: 'web' },
    clusterIP: '10.43.0.5',
    ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' }],
    ...more,
  },
});
const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'z1' } },
};
const state = ({ conditions }: Endpoint) => `${conditions?.ready} ${conditions?.serving} ${conditions?.terminating}`;
const endpointsIn = (deps: TestControllers) =>
  deps.client.peekAll(endpointslices).flatMap(slice => slice.endpoints ?? []);

test('a service gets a slice and Endpoints that follow its pods', async () => {
  await using deps = await startTestControllers([endpoints, endpointSlices], [node, service(), pod(0), pod(1, false)]);
  const [slice] = deps.client.peekAll(endpointslices);
  assert.match(slice!.metadata.name, /^web-/);
  assert.deepEqual(slice!.metadata.labels, {
    ...{ team: 'a', 'kubernetes.io/service-name': 'web' },
    'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
  });
  assert.equal(slice!.metadata.ownerReferences?.[0]?.uid, 'svc');
  assert.deepEqual(slice!.ports, [{ name: 'http', port: 8080, protocol: 'TCP' }]);
  assert.deepEqual(slice!.endpoints?.map(state), ['true true false', 'false false false']);
  assert.deepEqual([slice!.endpoints?.[0]?.zone, slice!.endpoints?.[0]?.nodeName], ['z1', 'n1']);
  const [subset] = deps.client.peek(resources.endpoints, ref)?.subsets ?? [];
  assert.deepEqual(
    subset?.addresses?.map(({ ip }) => ip),
    ['10.42.0.1'],
  );
  assert.deepEqual(
    subset?.notReadyAddresses?.map(({ ip }) => ip),
    ['10.42.0.2'],
  );
  await deps.client.update(pods, { ...pod(1), metadata: { ...pod(1).metadata } }, { subresource: 'status' });
  await deps.client.delete(pods, pod(0).metadata);
  await deps.settle();
  assert.deepEqual(endpointsIn(deps).map(state), ['false true true', 'true true false']);
  assert.equal(deps.client.peekAll(endpointslices).length, 1);
});

test('a service without pods has one empty slice, and one without selector is left alone', async () => {
  const foreign = { ...service({ selector: undefined }), metadata: { namespace: 'default', name: 'foreign' } };
  await using deps = await startTestControllers([endpoints, endpointSlices], [service(), foreign]);
  assert.deepEqual(
    deps.client.peekAll(endpointslices).map(({ endpoints: list, addressType }) => [addressType, list]),
    [['IPv4', []]],
  );
  assert.equal(deps.client.peekAll(resources.endpoints).length, 1);
  await deps.client.delete(services, ref);
  await deps.settle();
  assert.equal(deps.client.peekAll(resources.endpoints).length, 0);
});

test('however fast pods change, no slice is made twice', async () => {
  await using deps = await startTestControllers([endpointSlices], [service()]);
  for (let index = 0; index < 150; index++) deps.client.seed(pod(index));
  for (let i = 0; i < 10; i++) await deps.settle();
  const sizes = deps.client.peekAll(endpointslices).map(slice => slice.endpoints?.length);
  assert.deepEqual(sizes.sort(), [100, 50]);
  assert.equal(deps.client.calls.filter(call => call.verb === 'create').length, 2);
});

const plan = (all: Pod[], slices: EndpointSlice[] = [], more = {}) =>
  planSlices({ service: service(more), pods: all, slices, zoneOf: () => undefined });

test('a change of one pod writes one slice, and endpoints stay where they are', () => {
  const all = Array.from({ length: 250 }, (_, index) => pod(index));
  const made = plan(all).create.map((slice, index) => ({
    ...slice,
    metadata: { ...slice.metadata, name: `s${index}` },
  }));
  assert.deepEqual(
    made.map(slice => slice.endpoints?.length),
    [100, 100, 50],
  );
  const next = plan([...all.slice(1), pod(300)], made);
  assert.deepEqual([next.create.length, next.update.map(slice => slice.metadata.name), next.remove], [0, ['s0'], []]);
  assert.deepEqual(plan(all, made), { create: [], update: [], remove: [] });
});

test('both families have slices of their own, and pods of different ports too', () => {
  const dual = pod(0);
  dual.status!.podIPs!.push({ ip: 'fd00::1' });
  const families = plan([dual], [], { ipFamilies: ['IPv4', 'IPv6'] }).create;
  assert.deepEqual(
    families.map(slice => [slice.addressType, slice.endpoints?.[0]?.addresses]),
    [
      ['IPv4', ['10.42.0.1']],
      ['IPv6', ['fd00::1']],
    ],
  );
  const other = pod(1);
  other.spec.containers[0]!.ports![0]!.containerPort = 9090;
  assert.deepEqual(
    plan([pod(0), other]).create.map(slice => slice.ports?.[0]?.port),
    [8080, 9090],
  );
});

test('publishNotReadyAddresses publishes pods that are not ready, also terminating ones', () => {
  const dying = pod(0, false, { deletionTimestamp: '2026-01-01T00:00:00Z' });
  const [slice] = plan([dying], [], { publishNotReadyAddresses: true }).create;
  assert.equal(state(slice!.endpoints![0]!), 'true false true');
  const result = planEndpoints(service({ publishNotReadyAddresses: true }), [dying], undefined);
  assert.equal(result.subsets?.[0]?.addresses?.length, 1);
  assert.deepEqual(planEndpoints(service(), [dying], undefined).subsets, []);
});

test('a headless service without ports lists addresses, and finished pods are in no list', () => {
  const headless = service({ clusterIP: 'None', ports: [] });
  const finished = { ...pod(1), status: { ...pod(1).status, phase: 'Succeeded' } };
  const { subsets, metadata } = planEndpoints(headless, [pod(0), finished], undefined);
  assert.deepEqual(
    subsets?.map(subset => [subset.addresses?.length, subset.ports]),
    [[1, undefined]],
  );
  assert.equal(metadata.labels?.['service.kubernetes.io/headless'], '');
});
