import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoints, Service } from '#api';
import { resources } from '#api';
import { startTestControllers } from '../testing.ts';
import { endpointSliceMirroring } from './mirroring.ts';

const { services, endpoints, endpointslices } = resources;
const ref = { namespace: 'default', name: 'outer' };
const service = (selector?: Record<string, string>): Service => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { ...ref, uid: 'service-uid' } },
  spec: { clusterIP: '10.43.0.7', ports: [{ port: 80 }], ...(selector && { selector }) },
});
const byHand = (more: Partial<Endpoints> = {}): Endpoints => ({
  ...{ apiVersion: 'v1', kind: 'Endpoints', metadata: { ...ref, uid: 'endpoints-uid' } },
  subsets: [
    {
      addresses: [{ ip: '192.0.2.1', hostname: 'one' }, { ip: '2001:db8::1' }],
      notReadyAddresses: [{ ip: '192.0.2.2' }],
      ports: [{ name: 'http', port: 8080 }],
    },
  ],
  ...more,
});

test('what is written by hand is mirrored, by family, and followed', async () => {
  await using deps = await startTestControllers([endpointSliceMirroring], [service(), byHand()]);
  const all = () => deps.client.peekAll(endpointslices).sort((a, b) => (a.addressType < b.addressType ? -1 : 1));
  await deps.settle();
  assert.deepEqual(
    all().map(slice => [slice.addressType, slice.ports, slice.endpoints]),
    [
      [
        'IPv4',
        [{ name: 'http', port: 8080, protocol: 'TCP' }],
        [
          { addresses: ['192.0.2.1'], conditions: { ready: true }, hostname: 'one' },
          { addresses: ['192.0.2.2'], conditions: { ready: false } },
        ],
      ],
      [
        'IPv6',
        [{ name: 'http', port: 8080, protocol: 'TCP' }],
        [{ addresses: ['2001:db8::1'], conditions: { ready: true } }],
      ],
    ],
  );
  const [{ metadata } = { metadata: undefined }] = all();
  assert.deepEqual(metadata?.labels, {
    'kubernetes.io/service-name': 'outer',
    'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
  });
  assert.equal(metadata?.ownerReferences?.[0]?.kind, 'Endpoints');
  const subsets = [{ addresses: [{ ip: '192.0.2.3' }], ports: [{ name: 'http', port: 8080 }] }];
  await deps.client.update(endpoints, { ...deps.client.peek(endpoints, ref)!, subsets });
  await deps.settle();
  assert.deepEqual(
    all().map(slice => slice.endpoints?.map(one => one.addresses[0])),
    [['192.0.2.3']],
  );
  await deps.client.delete(services, ref);
  await deps.settle();
  assert.deepEqual(all(), []);
});

for (const [what, given, object] of [
  ['a Service with a selector', service({ app: 'web' }), byHand()],
  [
    'Endpoints that say so',
    service(),
    byHand({ metadata: { ...ref, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } } }),
  ],
] as const) {
  test(`${what} is not mirrored`, async () => {
    await using deps = await startTestControllers([endpointSliceMirroring], [given, object]);
    await deps.settle();
    assert.deepEqual(deps.client.peekAll(endpointslices), []);
  });
}
