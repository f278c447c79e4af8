/** Three servers on an etcd of three members, of which one after the other is killed or paused while clients write. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ConfigMap, Deployment, Lease } from '#api';
import { resources } from '#api';
import { createSystemClock } from '#base';
import { type EtcdProcesses, missingEtcd, startEtcd } from '#store/testing';
import { type ClusterServer, prepareServers, type Servers, until } from './servers.ts';

const clock = createSystemClock();
const namespace = 'default';
const leaseName = 'kube-controller-manager';
/** Dead and away time of each server, for the question who may have led. */
const ended = new Map<string, number>();

/** Writers that go on whatever happens, and what they were told. */
interface Load extends AsyncDisposable {
  /** Name to the value whose write was acknowledged last. */
  readonly acknowledged: Map<string, string>;
  /** Resolves when some more writes through each living server have been acknowledged. */
  progress(): Promise<void>;
}

describe('three servers on an etcd of three members', { skip: missingEtcd() ?? false }, () => {
  let etcd: EtcdProcesses;
  let cluster: Servers;
  let load: Load;
  const leader = async (): Promise<ClusterServer> => {
    const holder = await until('somebody leads', async () => {
      const server = cluster.servers.find(({ name }) => !ended.has(name))!;
      const ref = { namespace: 'kube-system', name: leaseName };
      const { spec } = (await server.client.get(resources.leases, ref)) as Lease;
      return cluster.servers.find(({ name }) => !ended.has(name) && spec.holderIdentity?.startsWith(`${name}_`));
    });
    return holder;
  };
  const kill = async (server: ClusterServer) => {
    await server.signal('SIGKILL');
    ended.set(server.name, clock.now());
  };
  const revive = async (server: ClusterServer) => {
    ended.delete(server.name);
    await server.start();
  };
  /** The leader acts: a new Deployment gets its pods, and not one too many. */
  const leaderActs = async (name: string) => {
    const server = cluster.servers.find(candidate => !ended.has(candidate.name))!;
    await until('the Deployment is made', () => server.client.create(resources.deployments, deployment(name)));
    const selection = { namespace, labelSelector: `app=${name}` };
    await until('it has its pods', async () => {
      const { items } = await server.client.list(resources.pods, selection);
      return items.length === 2;
    });
    const sets = await server.client.list(resources.replicasets, selection);
    assert.deepEqual([sets.items.length, sets.items[0]?.spec?.replicas], [1, 2]);
  };

  before(async () => {
    etcd = await startEtcd({ members: 3 });
    const endpoints = etcd.endpoints.map(endpoint => `http://${endpoint}`).join(',');
    cluster = await prepareServers(3, ['--datastore-endpoint', endpoints]);
    await Promise.all(cluster.servers.map(server => server.start()));
    load = startLoad(cluster.servers);
  });
  after(async () => {
    await load?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
    await etcd?.[Symbol.asyncDispose]();
  });

  test('the leader is killed: another one goes on with its work', async () => {
    await leaderActs('first');
    const killed = await leader();
    await kill(killed);
    await load.progress();
    assert.notEqual((await leader()).name, killed.name);
    await leaderActs('second');
    await revive(killed);
    await load.progress();
  });

  test('one that does not lead is killed: nobody else leads', async () => {
    const leading = await leader();
    const killed = cluster.servers.find(({ name }) => name !== leading.name)!;
    await kill(killed);
    await load.progress();
    await revive(killed);
    assert.equal((await leader()).name, leading.name);
  });

  test('every member of etcd is killed once: the cluster goes on', async () => {
    for (const member of etcd.members) {
      await member.signal('SIGKILL');
      await load.progress();
      await member.start();
      await load.progress();
    }
    await leaderActs('third');
  });

  test('etcd is paused, one member and then all: the cluster goes on by itself', async () => {
    await etcd.members[0]!.signal('SIGSTOP');
    await load.progress();
    await etcd.members[0]!.signal('SIGCONT');
    for (const member of etcd.members) await member.signal('SIGSTOP');
    await clock.sleep(4000);
    for (const member of etcd.members) await member.signal('SIGCONT');
    await load.progress();
    await leaderActs('fourth');
  });

  test('every acknowledged write is there on every server, and never did two lead', async () => {
    await load[Symbol.asyncDispose]();
    assert.ok(load.acknowledged.size > 100, `only ${load.acknowledged.size} objects: no load`);
    for (const { client } of cluster.servers) {
      const { items } = await client.list(resources.configmaps, { namespace, labelSelector: 'load=yes' });
      const found = new Map(items.map(({ metadata, data }) => [metadata.name, data?.['n']]));
      for (const [name, value] of load.acknowledged) assert.equal(found.get(name), value, name);
    }
    for (const lease of [leaseName, 'kube-scheduler']) assert.deepEqual(overlaps(cluster.servers, lease), []);
  });
});

function deployment(name: string): Deployment {
  const labels = { app: name };
  const containers = [{ name: 'main', image: 'busybox:1' }];
  const template = { metadata: { labels }, spec: { containers } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels },
    spec: { replicas: 2, selector: { matchLabels: labels }, template },
  } as unknown as Deployment;
}

/** A writer for each server, which makes objects and changes each of them once. */
function startLoad(servers: readonly ClusterServer[]): Load {
  const acknowledged = new Map<string, string>();
  const counts = servers.map(() => 0);
  const stop = new AbortController();
  const work = async (server: ClusterServer, index: number) => {
    for (let n = 0; !stop.signal.aborted; n++) {
      const metadata = { name: `load-${index}-${n}`, namespace, labels: { load: 'yes' } };
      try {
        const made = await server.client.create(resources.configmaps, { metadata, data: { n: 'made' } } as ConfigMap);
        acknowledged.set(metadata.name, 'made');
        counts[index]! += 1;
        // Whether a change that is not answered happens is open, so nothing is expected of it.
        acknowledged.delete(metadata.name);
        await server.client.update(resources.configmaps, { ...made, data: { n: 'changed' } });
        acknowledged.set(metadata.name, 'changed');
      } catch {
        await clock.sleep(50); // killed, or etcd is: the next one
      }
    }
  };
  const done = Promise.all(servers.map(work));
  return {
    acknowledged,
    async progress() {
      const before = [...counts];
      const goesOn = (index: number) => ended.has(servers[index]!.name) || counts[index]! >= before[index]! + 3;
      await until('writes are acknowledged', async () => counts.every((_, index) => goesOn(index)));
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}

/** Times when a server said that it led while another did. A killed server led until it was killed: then its log ends, and the next start begins a new stretch. */
function overlaps(servers: readonly ClusterServer[], lease: string): string[] {
  const stretches = servers.flatMap(({ name, log }) => {
    const found: { name: string; from: number; to: number }[] = [];
    let lastMs = 0;
    for (const line of log().split('\n')) {
      const atMs = Date.parse(line.slice(0, 24));
      if (Number.isNaN(atMs)) continue;
      const open = found.at(-1);
      // A start ends what went before, at the last sign of life.
      if (/ starting /.test(line) && open) open.to = Math.min(open.to, lastMs);
      if (line.includes(`: leading lease=${lease} `)) found.push({ name, from: atMs, to: Number.POSITIVE_INFINITY });
      if (line.includes(`: no longer leading lease=${lease}`) && open) open.to = atMs;
      lastMs = atMs;
    }
    return found;
  });
  stretches.sort((a, b) => a.from - b.from);
  return stretches.flatMap((stretch, index) => {
    const next = stretches[index + 1];
    return next && next.from < stretch.to
      ? [`${stretch.name} and ${next.name} both led at ${new Date(next.from)}`]
      : [];
  });
}
