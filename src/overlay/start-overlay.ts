import type { Node } from '#api';
import { resources } from '#api';
import type { Running } from '#base';
import { addressFamily } from '#base';
import type { Informer } from '#client';
import { startQueue } from '#client';
import type { Ip } from '#host';
import type { OverlayConfig, OverlayDeps } from './config.ts';
import { tunnelDevice, tunnelOverheadBytes } from './config.ts';
import { ensureMasquerade, formatMasquerade } from './masquerade.ts';
import {
  findMissingPlugin,
  formatNetworkConfig,
  parseNetworkConfig,
  readNetworkConfig,
  writeNetworkConfig,
} from './network-config.ts';
import type { OverlayPlan } from './plan.ts';
import { planInput, planOverlay } from './plan.ts';
import { ensureRangeRoute } from './pod-range.ts';
import { removeStalePods } from './stale-pods.ts';
import type { Underlay } from './tunnel.ts';
import { applyTunnel, planTunnel, readTunnel } from './tunnel.ts';

/** How often the kernel is compared with the plan when no node changed: strangers flush tables and delete devices. */
const repairMs = 60_000;
const backoff = { firstMs: 500, maxMs: 30_000 };
const key = 'pod network';

/**
 * Keeps the pod network of this node: forwarding, masquerade, the CNI configuration and the ways to the pods of other nodes. Resolves at once; what
 * fails is logged, told by `ready()` and tried again. Disposing leaves everything as it is, so pods keep their network while nobody runs.
 * The identity of `deps.client` must be allowed to list and watch nodes; nothing is written.
 */
export async function startOverlay(config: OverlayConfig, deps: OverlayDeps): Promise<Running> {
  const { log } = deps;
  const peers = deps.meter.gauge({ name: 'overlay_peers', help: 'Other nodes that the tunnel leads to.' });
  const syncs = deps.meter.counter({
    name: 'overlay_syncs_total',
    help: 'Comparisons of the kernel with what the pod network needs.',
    labels: ['result'],
  });
  const nodes = deps.informers.of(resources.nodes);
  let missing: string | undefined = 'the nodes are not listed yet';
  const work = createWork(config, deps);
  const handle = async () => {
    try {
      const done = await work(nodes.list());
      if (done.missing === undefined && missing !== undefined) log.info('pod network is ready', { range: done.range });
      missing = done.missing;
      peers.set(done.peers);
      syncs.add({ result: 'ok' });
    } catch (error) {
      missing = (error as Error).message;
      syncs.add({ result: 'error' });
      throw error;
    }
    return { afterMs: repairMs };
  };
  const queue = startQueue({ name: 'overlay', handle, backoff }, { clock: deps.clock, log });
  const watch = watchNodes(nodes, () => queue.add(key));
  return {
    ready: () => missing,
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]();
      await queue[Symbol.asyncDispose]();
    },
  };
}

/** Tells of changes that matter, and not before all nodes are known: a node that is not listed yet must not lose its way. */
function watchNodes(nodes: Informer<Node>, changed: () => void): Disposable {
  let complete = false;
  const watch = nodes.onChange(({ object, old }) => {
    if (complete && !(old && planInput(old) === planInput(object))) changed();
  });
  const start = () => {
    complete = true;
    changed();
  };
  // Rejects only when the informers end, and then there is nothing more to do.
  nodes.whenSynced().then(start, () => undefined);
  return watch;
}

interface Done {
  missing: string | undefined;
  range?: string;
  peers: number;
}

/** One comparison of everything, in the order in which a pod needs it; the tunnel is last, so that a node without it still runs pods. */
function createWork(config: OverlayConfig, deps: OverlayDeps): (nodes: readonly Node[]) => Promise<Done> {
  const { ip, nft, sysctl, log } = deps;
  let declared = false;
  let swept: string | undefined;
  return async nodes => {
    await sysctl.write('net.ipv4.ip_forward', 1);
    // Once in every life: what an earlier version left must not stay. After that only when it is gone.
    if (!declared) await nft.run(formatMasquerade(config.clusterCidrs));
    else if (await ensureMasquerade(nft, config.clusterCidrs)) log.warn('masquerade table was gone, set up again');
    declared = true;
    const plan = planOverlay(nodes, config);
    if ('missing' in plan) return { missing: plan.missing, peers: 0 };
    if (swept !== plan.podCidr) {
      const addresses = await removeStalePods(ip, plan.podCidr, config.cniStateDir);
      if (addresses.length) log.warn('network of pods that are not of this cluster removed', { addresses });
      swept = plan.podCidr;
    }
    const underlay = await findUnderlay(ip, config.nodeIp);
    await writeConfig(config, deps, { podCidr: plan.podCidr, mtu: underlay.mtu });
    const plugin = await findMissingPlugin(config.cniBinDirs);
    await keepTunnel(plan, underlay, deps);
    const folders = config.cniBinDirs.join(', ');
    const missing = plugin
      ? `the CNI plugin ${plugin} is not in ${folders}: install the package containernetworking-plugins`
      : undefined;
    return { missing, range: plan.podCidr, peers: plan.peers.length };
  };
}

async function writeConfig(
  { cniConfDir, cniStateDir }: OverlayConfig,
  { ip, log }: OverlayDeps,
  network: { podCidr: string; mtu: number },
): Promise<void> {
  const now = await readNetworkConfig(cniConfDir);
  await ensureRangeRoute(ip, network.podCidr, parseNetworkConfig(now ?? ''));
  const wanted = formatNetworkConfig({ ...network, stateDir: cniStateDir });
  if (now === wanted) return;
  await writeNetworkConfig(cniConfDir, wanted);
  log.info('network configuration written', network);
}

async function keepTunnel(plan: OverlayPlan, underlay: Underlay, { ip, sysctl, log }: OverlayDeps): Promise<void> {
  const change = planTunnel(plan, underlay, await readTunnel(ip));
  const count = change.device.length + change.forwarding.length + change.paths.length;
  if (count) log.info('tunnel changed', { peers: plan.peers.length, changes: count });
  await applyTunnel(ip, change);
  // Strict filtering, where a distribution sets it, would drop the first packets of a node that this one has no way to yet.
  if (plan.peers.length) await sysctl.write(`net/ipv4/conf/${tunnelDevice}/rp_filter`, 2);
}

/** Rejects when no device has the node's address: it is wrong, or the device is not up yet. */
async function findUnderlay(ip: Ip, nodeIp: string): Promise<Underlay> {
  const device = (await ip.addresses()).find(({ address }) => address === nodeIp)?.device;
  const link = (await ip.links()).find(({ name }) => name === device);
  if (!link)
    throw new Error(`no network device has the node address ${nodeIp}: set --node-ip to an address of this machine`);
  return { link: link.name, nodeIp, mtu: link.mtu - tunnelOverheadBytes[addressFamily(nodeIp) ?? 4] };
}
