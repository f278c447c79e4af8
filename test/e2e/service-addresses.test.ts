/** Where Services get their addresses: ServiceCIDRs and IPAddresses, as users see them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Server, startServer } from './fixture.ts';

let server: Server;
before(async () => {
  server = await startServer();
});
after(() => server[Symbol.asyncDispose]());

const json = (...args: string[]) => JSON.parse(server.kubectl(...args, '-o', 'json'));
const addressOf = (service: string) => json('get', 'service', service).spec.clusterIP as string;

test('every Service has its IPAddress as soon as it is there, and takes it along', () => {
  const { clusterIP } = json('get', 'service', 'kubernetes').spec;
  assert.equal(json('get', 'ipaddress', clusterIP).spec.parentRef.name, 'kubernetes');
  server.kubectl('create', 'service', 'clusterip', 'web', '--tcp=80');
  const address = addressOf('web');
  const { metadata, spec } = json('get', 'ipaddress', address);
  assert.deepEqual(spec, { parentRef: { resource: 'services', namespace: 'default', name: 'web' } });
  assert.deepEqual(metadata.labels, {
    'ipaddress.kubernetes.io/ip-family': 'IPv4',
    'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
  });
  server.kubectl('delete', 'service', 'web');
  server.kubectl('wait', '--for=delete', `ipaddress/${address}`, '--timeout=30s');
});

test('the default ServiceCIDR is ready; a further one gives addresses until it goes', () => {
  server.kubectl('wait', '--for=condition=Ready', 'servicecidr/kubernetes', '--timeout=30s');
  server.apply(
    JSON.stringify({
      ...{ apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR' },
      ...{ metadata: { name: 'more' }, spec: { cidrs: ['10.99.0.0/24'] } },
    }),
  );
  server.kubectl('wait', '--for=condition=Ready', 'servicecidr/more', '--timeout=30s');
  server.kubectl('create', 'service', 'clusterip', 'far', '--tcp=80', '--clusterip=10.99.0.7');
  assert.equal(addressOf('far'), '10.99.0.7');
  server.kubectl('delete', 'servicecidr', 'more', '--wait=false');
  server.kubectl('wait', '--for=condition=Ready=false', 'servicecidr/more', '--timeout=30s');
  const { status, stderr } = server.tryKubectl([
    ...['create', 'service', 'clusterip', 'late', '--tcp=80'],
    '--clusterip=10.99.0.8',
  ]);
  assert.equal(status, 1);
  assert.match(stderr, /failed to allocate IP 10.99.0.8: the provided network does not match the current range/);
  server.kubectl('delete', 'service', 'far');
  server.kubectl('wait', '--for=delete', 'servicecidr/more', '--timeout=60s');
});

test('an address that another program keeps is not given to a Service', () => {
  server.apply(
    JSON.stringify({
      ...{ apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name: '10.43.9.9' } },
      spec: {
        parentRef: { group: 'gateway.networking.k8s.io', resource: 'gateways', namespace: 'default', name: 'g' },
      },
    }),
  );
  const args = ['create', 'service', 'clusterip', 'taken', '--tcp=80', '--clusterip=10.43.9.9'];
  const { status, stderr } = server.tryKubectl(args);
  assert.equal(status, 1);
  assert.match(stderr, /failed to allocate IP 10.43.9.9: provided IP is already allocated/);
});
