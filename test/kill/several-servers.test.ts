/** Two servers that share an etcd: what one writes the other shows, and what is handed out is handed out once. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ConfigMap, Endpoints, Lease, ResourceQuota, Secret, Service } from '#api';
import { resources } from '#api';
import { createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import { isForbidden } from '#client';
import { openEtcdStore } from '#store';
import { type EtcdProcesses, missingEtcd, startEtcd } from '#store/testing';
import { type ClusterServer, prepareServers, type Servers, until } from './servers.ts';

const namespace = 'default';
const settled = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.flatMap(result => (result.status === 'rejected' ? [result.reason as unknown] : []));

describe('two servers on one etcd', { skip: missingEtcd() ?? false }, () => {
  let etcd: EtcdProcesses;
  let cluster: Servers;
  let [a, b] = [] as ClusterServer[];

  before(async () => {
    etcd = await startEtcd();
    cluster = await prepareServers(2, ['--secrets-encryption', '--datastore-endpoint', `http://${etcd.endpoints[0]}`]);
    [a, b] = cluster.servers as [ClusterServer, ClusterServer];
    // At the same moment, on an empty etcd: one of them makes the certificates.
    await Promise.all([a!.start(), b!.start()]);
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await etcd?.[Symbol.asyncDispose]();
  });

  test('what one has acknowledged the other shows at once', async () => {
    for (let index = 0; index < 50; index++) {
      const [writer, reader] = index % 2 ? [a!, b!] : [b!, a!];
      const metadata = { name: `seen-${index}`, namespace };
      await writer.client.create(resources.configmaps, { metadata, data: { n: '0' } } as ConfigMap);
      const read = await reader.client.get(resources.configmaps, metadata);
      // The version that one server tells is one that the other knows.
      const updated = await reader.client.update(resources.configmaps, { ...read, data: { n: '1' } });
      const again = await writer.client.update(resources.configmaps, { ...updated, data: { n: '2' } });
      await reader.client.delete(resources.configmaps, metadata);
      assert.equal(again.data?.['n'], '2');
      await assert.rejects(writer.client.get(resources.configmaps, metadata), { code: 404 });
    }
  });

  test('a namespace of one takes objects of the other at once', async () => {
    for (let index = 0; index < 10; index++) {
      const name = `space-${index}`;
      await a!.client.create(resources.namespaces, { metadata: { name } });
      await b!.client.create(resources.configmaps, { metadata: { name: 'x', namespace: name } });
    }
  });

  test('no address and no port is given to two Services', async () => {
    const create = (index: number) =>
      (index % 2 ? a! : b!).client.create(resources.services, {
        metadata: { name: `service-${index}`, namespace },
        spec: { type: 'NodePort', ports: [{ port: 80 }] },
      } as Service);
    const services = await Promise.all(Array.from({ length: 40 }, (_, index) => create(index)));
    assert.equal(new Set(services.map(({ spec }) => spec.clusterIP)).size, 40);
    assert.equal(new Set(services.map(({ spec }) => spec.ports?.[0]?.nodePort)).size, 40);

    const wanted = (index: number) =>
      (index % 2 ? a! : b!).client.create(resources.services, {
        metadata: { name: `wanted-${index}`, namespace },
        spec: { clusterIP: '10.43.77.77', ports: [{ port: 80 }] },
      } as Service);
    const results = await Promise.allSettled(Array.from({ length: 6 }, (_, index) => wanted(index)));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1, 'one gets the address');
    for (const error of settled(results)) assert.match(String(error), /provided IP is already allocated/);
  });

  test('a quota holds for both together', async () => {
    await a!.client.create(resources.namespaces, { metadata: { name: 'narrow' } });
    const metadata = { name: 'few', namespace: 'narrow' };
    await a!.client.create(resources.resourcequotas, { metadata, spec: { hard: { secrets: '7' } } } as ResourceQuota);
    const create = (index: number) =>
      (index % 2 ? a! : b!).client.create(resources.secrets, { metadata: { name: `s-${index}`, namespace: 'narrow' } });
    const results = await Promise.allSettled(Array.from({ length: 30 }, (_, index) => create(index)));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 7);
    for (const error of settled(results)) assert.ok(isForbidden(error), String(error));
    assert.equal((await b!.client.list(resources.secrets, { namespace: 'narrow' })).items.length, 7);
  });

  test('a secret that one encrypts the other can read', async () => {
    const metadata = { name: 'hidden', namespace };
    await a!.client.create(resources.secrets, { metadata, stringData: { word: 'sesame' } } as Secret);
    const { data } = await b!.client.get(resources.secrets, metadata);
    assert.equal(Buffer.from(data?.['word'] ?? '', 'base64').toString(), 'sesame');
    const deps = { clock: createSystemClock(), log: createRecordingLog() };
    await using store = await openEtcdStore({ endpoints: etcd.endpoints }, deps);
    const entry = await store.get(`/registry/secrets/${namespace}/hidden`);
    assert.match(Buffer.from(entry!.value).toString('latin1'), /^k8s:enc:/);
  });

  test('the Service kubernetes leads to both, and one of them leads', async () => {
    const addresses = async () => {
      const { subsets } = (await b!.client.get(resources.endpoints, { namespace, name: 'kubernetes' })) as Endpoints;
      return subsets?.[0]?.addresses?.map(({ ip }) => ip).join();
    };
    await until('both are endpoints', async () => (await addresses()) === '10.255.0.1,10.255.0.2');
    for (const name of ['kube-controller-manager', 'kube-scheduler']) {
      const lease = (await a!.client.get(resources.leases, { namespace: 'kube-system', name })) as Lease;
      assert.match(lease.spec.holderIdentity ?? '', /^server-[12]_/);
    }
  });

  test('a server with another token, or none, is told which one it needs', async () => {
    const stranger = cluster.add(['--token', 'another']);
    await assert.rejects(stranger.start(), /the datastore holds a cluster with another token/);
    const nameless = cluster.add([]);
    await assert.rejects(nameless.start(), /give its token with --token or --token-file/);
  });

  test('a server that stops hands over at once and is no endpoint any more', async () => {
    const lease = async () =>
      (await b!.client.get(resources.leases, { namespace: 'kube-system', name: 'kube-scheduler' })) as Lease;
    const leader = /^server-1_/.test((await lease()).spec.holderIdentity ?? '') ? a! : b!;
    const other = leader === a ? b! : a!;
    await leader.signal('SIGTERM');
    const name = 'kube-scheduler';
    await until('the other leads', async () => {
      const { spec } = (await other.client.get(resources.leases, { namespace: 'kube-system', name })) as Lease;
      return spec.holderIdentity?.startsWith(`${other.name}_`);
    });
    const { subsets } = (await other.client.get(resources.endpoints, { namespace, name: 'kubernetes' })) as Endpoints;
    assert.equal(subsets?.[0]?.addresses?.length, 1);
    await leader.start();
  });
});
