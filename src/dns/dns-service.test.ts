import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources, type Service } from '#api';
import { ApiError } from '#client';
import { createFakeClient } from '#client/testing';
import { dnsProxyName, ensureDnsService, serviceProxyNameLabel } from './index.ts';

const config = { clusterIp: '10.43.0.10' };
const ref = { namespace: 'kube-system', name: 'kube-dns' };

async function createWanted(): Promise<Service> {
  const client = createFakeClient();
  await ensureDnsService(config, { client });
  return client.get(resources.services, ref);
}

test('the Service is created where clients look for it, without selector', async () => {
  const { metadata, spec } = await createWanted();
  assert.deepEqual(metadata.labels, {
    'k8s-app': 'kube-dns',
    'kubernetes.io/cluster-service': 'true',
    'kubernetes.io/name': 'CoreDNS',
    [serviceProxyNameLabel]: dnsProxyName,
  });
  assert.deepEqual([spec.clusterIP, spec.type, spec.selector], ['10.43.0.10', 'ClusterIP', undefined]);
  assert.deepEqual(
    spec.ports?.map(({ name, port, protocol }) => [name, port, protocol]),
    [
      ['dns', 53, 'UDP'],
      ['dns-tcp', 53, 'TCP'],
    ],
  );
});

test('a Service that is as wanted is left alone, with labels of others', async () => {
  const old = await createWanted();
  old.metadata.labels = { ...old.metadata.labels, mine: 'too' };
  const client = createFakeClient([old]);
  await ensureDnsService(config, { client });
  assert.deepEqual(client.calls, []);
});

test('labels, ports and a selector are repaired, other labels and the address kept', async () => {
  const old = await createWanted();
  old.metadata.labels = { mine: 'too' };
  old.spec.ports = [{ name: 'dns', port: 53, protocol: 'UDP' }];
  old.spec.selector = { app: 'coredns' };
  const client = createFakeClient([old]);
  await ensureDnsService(config, { client });
  const { metadata, spec } = await client.get(resources.services, ref);
  assert.equal(metadata.labels?.mine, 'too');
  assert.equal(metadata.labels?.[serviceProxyNameLabel], dnsProxyName);
  assert.deepEqual([spec.ports?.length, spec.selector, spec.clusterIP], [2, undefined, '10.43.0.10']);
});

test('a Service under another address is an error that says what to do', async () => {
  const client = createFakeClient([await createWanted()]);
  await assert.rejects(
    ensureDnsService({ clusterIp: '10.43.0.11' }, { client }),
    /has address 10.43.0.10, not 10.43.0.11: delete it/,
  );
});

test('what the server refuses is passed on', async () => {
  const client = createFakeClient();
  client.refuse(() => new ApiError({ code: 422, reason: 'Invalid', message: 'provided IP is already allocated' }));
  await assert.rejects(ensureDnsService(config, { client }), /already allocated/);
});
