import { join } from 'node:path';
import type { Running } from '#base';
import type { Informers } from '#client';
import { startDns } from '#dns';
import { createExec, createIp, createNft, createSysctl } from '#host';
import { startOverlay } from '#overlay';
import { startProxy } from '#proxy';
import { type Cluster, depsOf, nodeDeps, type OwnedDeps, users } from './cluster.ts';
import { cniBinDirs } from './programs.ts';

/** Addresses, routes and masquerade of this node's pods. */
export async function startNodeOverlay(cluster: Cluster): Promise<Running> {
  const exec = createExec();
  const { config, paths, nodeName, nodeAddress, shared } = cluster;
  const network = networkDeps(cluster);
  const running = await startOverlay(
    {
      nodeName,
      nodeIp: nodeAddress,
      clusterCidrs: [shared['cluster-cidr']],
      cniConfDir: join(paths.agent, 'etc', 'cni', 'net.d'),
      cniBinDirs: cniBinDirs(config),
      cniStateDir: paths.cniState,
    },
    // What a node writes about itself it writes under its own name.
    {
      ...network,
      client: nodeDeps(cluster).client,
      log: cluster.log.child('overlay'),
      ip: createIp(exec),
      nft: createNft(exec),
      sysctl: createSysctl(),
    },
  );
  return {
    ready: () => running.ready(),
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      // The first of the three to start is the last to stop.
      await network[Symbol.asyncDispose]();
    },
  };
}

/** Services as packet rules. */
export async function startNodeProxy(cluster: Cluster): Promise<Running> {
  const exec = createExec();
  const { nodeName, nodeAddress, shared } = cluster;
  return startProxy(
    { nodeName, nodeIps: [nodeAddress], clusterCidrs: [shared['cluster-cidr']] },
    {
      ...networkDeps(cluster),
      log: cluster.log.child('proxy'),
      exec,
      nft: createNft(exec),
      sysctl: createSysctl(),
    },
  );
}

/** Names, at the cluster's DNS address, which every node has for itself. */
export async function startNodeDns(cluster: Cluster): Promise<Running> {
  const { config, shared } = cluster;
  const address = shared['cluster-dns'];
  await createIp(createExec()).batch([`address replace ${address}/32 dev lo`]);
  return startDns(
    {
      zone: shared['cluster-domain'],
      addresses: [address],
      port: 53,
      serviceCidrs: [shared['service-cidr']],
      clusterCidrs: [shared['cluster-cidr']],
      resolvConf: config['resolv-conf'],
    },
    { ...networkDeps(cluster), log: cluster.log.child('dns') },
  );
}

/**
 * kube-proxy's identity, and one copy of what overlay, proxy and DNS read, for all three; the node's own pods come from its own identity, which alone
 * may read them.
 */
function networkDeps(cluster: Cluster): OwnedDeps {
  if (cluster.network) return cluster.network;
  const deps = depsOf(cluster, { user: users.proxy, component: 'kube-proxy', logName: 'network', isOnNode: true });
  const own = deps.informers;
  const node = nodeDeps(cluster).informers;
  const informers: Informers = {
    of: (resource, options) => (isPods(resource) ? node : own).of(resource, options),
    leave: (resource, options) => (isPods(resource) ? node : own).leave(resource, options),
    whenSynced: signal => own.whenSynced(signal),
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  };
  cluster.network = { ...deps, informers };
  return cluster.network;
}

const isPods = ({ group, resource }: { group: string; resource: string }) => group === '' && resource === 'pods';
