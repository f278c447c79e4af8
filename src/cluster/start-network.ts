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
  return startOverlay(
    {
      nodeName,
      nodeIp: nodeAddress,
      clusterCidrs: [shared['cluster-cidr']],
      cniConfDir: join(paths.agent, 'etc', 'cni', 'net.d'),
      cniBinDirs: cniBinDirs(config),
      cniStateDir: paths.cniState,
    },
    { ...nodeDeps(cluster), ip: createIp(exec), nft: createNft(exec), sysctl: createSysctl() },
  );
}

/** Services as packet rules. */
export async function startNodeProxy(cluster: Cluster): Promise<Running> {
  const exec = createExec();
  const { nodeName, nodeAddress, shared } = cluster;
  const deps = networkDeps(cluster, 'proxy');
  const running = await startProxy(
    { nodeName, nodeIps: [nodeAddress], clusterCidrs: [shared['cluster-cidr']] },
    { ...deps, exec, nft: createNft(exec), sysctl: createSysctl() },
  );
  return together(running, deps);
}

/** Names, at the cluster's DNS address, which every node has for itself. */
export async function startNodeDns(cluster: Cluster): Promise<Running> {
  const { config, shared } = cluster;
  const address = shared['cluster-dns'];
  await createIp(createExec()).batch([`address replace ${address}/32 dev lo`]);
  const deps = networkDeps(cluster, 'dns');
  const running = await startDns(
    {
      zone: shared['cluster-domain'],
      addresses: [address],
      port: 53,
      serviceCidrs: [shared['service-cidr']],
      clusterCidrs: [shared['cluster-cidr']],
      resolvConf: config['resolv-conf'],
    },
    deps,
  );
  return together(running, deps);
}

/** kube-proxy's identity reads Services; the node's own reads its pods, as only it may. */
function networkDeps(cluster: Cluster, logName: string): OwnedDeps {
  const deps = depsOf(cluster, { user: users.proxy, component: 'kube-proxy', logName, isOnNode: true });
  const own = deps.informers;
  const node = nodeDeps(cluster).informers;
  const informers: Informers = {
    of: (resource, options) => (isPods(resource) ? node : own).of(resource, options),
    whenSynced: signal => own.whenSynced(signal),
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  };
  return { ...deps, informers };
}

const isPods = ({ group, resource }: { group: string; resource: string }) => group === '' && resource === 'pods';

function together(running: Running, deps: OwnedDeps): Running {
  return {
    ready: () => running.ready(),
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await deps[Symbol.asyncDispose]();
    },
  };
}
