import type { ForwardingEntry, Ip, Link, LinkAddress, Neighbour, Route } from '#host';
import { tunnelDevice as device, vni, vxlanPort } from './config.ts';
import type { OverlayPlan, Peer } from './plan.ts';

/** The device under the tunnel and what its packets may hold. */
export interface Underlay {
  link: string;
  nodeIp: string;
  /** Of the tunnel and of every pod: what fits into a packet of the link. */
  mtu: number;
}

/** What the kernel has now; all but `links` are of the tunnel device alone. */
export interface TunnelState {
  links: readonly Link[];
  addresses: readonly LinkAddress[];
  routes: readonly Route[];
  neighbours: readonly Neighbour[];
  forwarding: readonly ForwardingEntry[];
}

/** Lines for ip and bridge, carried out in this order; all empty when the tunnel is as it should be. */
export interface TunnelChange {
  device: string[];
  forwarding: string[];
  paths: string[];
}

/** Two tunnels with one number on one port cannot be: names the device that is in the way. */
export class TunnelConflict extends Error {
  override readonly name = 'TunnelConflict';
}

/** From what is there to what the plan wants: nothing without peers, else the device and one way to each. Throws TunnelConflict. */
export function planTunnel(plan: OverlayPlan, underlay: Underlay, found: TunnelState): TunnelChange {
  const link = found.links.find(({ name }) => name === device);
  if (!plan.peers.length) return { device: link ? [`link delete ${device}`] : [], forwarding: [], paths: [] };
  refuseStranger(found.links);
  const usable = link && isOurs(link, underlay) ? link : undefined;
  const before = usable ? found : { ...found, addresses: [], routes: [], neighbours: [], forwarding: [] };
  return {
    device: [
      ...(link && !usable ? [`link delete ${device}`] : []),
      ...planDevice(plan, underlay, usable),
      ...planAddress(plan, before.addresses),
      ...(usable?.up ? [] : [`link set ${device} up`]),
    ],
    forwarding: planForwarding(plan.peers, before.forwarding),
    paths: [...planNeighbours(plan.peers, before.neighbours), ...planRoutes(plan.peers, before.routes)],
  };
}

/** The first failure ends it; the next look at the kernel finds what is still missing. */
export async function applyTunnel(ip: Ip, change: TunnelChange): Promise<void> {
  await ip.batch(change.device);
  await ip.bridgeBatch(change.forwarding);
  await ip.batch(change.paths);
}

export async function readTunnel(ip: Ip): Promise<TunnelState> {
  const links = await ip.links();
  if (!links.some(({ name }) => name === device))
    return { links, addresses: [], routes: [], neighbours: [], forwarding: [] };
  const [addresses, routes, neighbours, forwarding] = await Promise.all([
    ip.addresses(),
    ip.routes({ family: 4, device }),
    ip.neighbours(device),
    ip.forwarding(device),
  ]);
  return { links, addresses: addresses.filter(one => one.device === device), routes, neighbours, forwarding };
}

function refuseStranger(links: readonly Link[]): void {
  const other = links.find(
    ({ name, kindOptions }) => name !== device && kindOptions['id'] === vni && kindOptions['port'] === vxlanPort,
  );
  if (!other) return;
  const remedy = `remove it (ip link delete ${other.name})`;
  throw new TunnelConflict(`device ${other.name} already is VXLAN ${vni} on port ${vxlanPort}: ${remedy}`);
}

/** These cannot be changed on a device that stands. */
function isOurs({ kind, kindOptions }: Link, { link, nodeIp }: Underlay): boolean {
  const { id, port, learning, link: under, local, local6 } = kindOptions;
  return kind === 'vxlan' && id === vni && port === vxlanPort && learning === false && under === link
    ? (local ?? local6) === nodeIp
    : false;
}

function planDevice({ hardware }: OverlayPlan, { link, nodeIp, mtu }: Underlay, now: Link | undefined): string[] {
  if (!now) {
    const kind = `type vxlan id ${vni} local ${nodeIp} dev ${link} dstport ${vxlanPort} nolearning`;
    return [`link add ${device} address ${hardware} mtu ${mtu} ${kind}`];
  }
  return [
    ...(now.address === hardware ? [] : [`link set ${device} address ${hardware}`]),
    ...(now.mtu === mtu ? [] : [`link set ${device} mtu ${mtu}`]),
  ];
}

function planAddress({ address }: OverlayPlan, found: readonly LinkAddress[]): string[] {
  const mine = (one: LinkAddress) => one.address === address && one.prefix === 32;
  const stale = found.filter(one => one.family === 4 && !mine(one));
  return [
    ...stale.map(one => `address delete ${one.address}/${one.prefix} dev ${device}`),
    ...(found.some(mine) ? [] : [`address add ${address}/32 dev ${device}`]),
  ];
}

function planForwarding(peers: readonly Peer[], found: readonly ForwardingEntry[]): string[] {
  const wanted = new Set(peers.map(({ hardware }) => hardware));
  const known = new Set(found.map(({ hardware, to }) => `${hardware} ${to}`));
  return [
    ...found
      .filter(({ hardware }) => !wanted.has(hardware))
      .map(({ hardware, to }) => `fdb delete ${hardware} dev ${device} dst ${to}`),
    ...peers
      .filter(({ hardware, nodeIp }) => !known.has(`${hardware} ${nodeIp}`))
      .map(({ hardware, nodeIp }) => `fdb replace ${hardware} dev ${device} dst ${nodeIp}`),
  ];
}

function planNeighbours(peers: readonly Peer[], found: readonly Neighbour[]): string[] {
  const wanted = new Set(peers.map(({ address }) => address));
  const known = new Set(
    found.filter(({ permanent }) => permanent).map(({ address, hardware }) => `${address} ${hardware}`),
  );
  return [
    ...found
      .filter(({ address, permanent }) => permanent && !wanted.has(address))
      .map(({ address }) => `neigh delete ${address} dev ${device}`),
    ...peers
      .filter(({ address, hardware }) => !known.has(`${address} ${hardware}`))
      .map(({ address, hardware }) => `neigh replace ${address} lladdr ${hardware} dev ${device} nud permanent`),
  ];
}

function planRoutes(peers: readonly Peer[], found: readonly Route[]): string[] {
  const wanted = new Set(peers.map(({ podCidr }) => podCidr));
  const known = new Set(found.filter(({ onlink }) => onlink).map(({ to, via }) => `${to} ${via}`));
  return [
    ...found.filter(({ to }) => !wanted.has(to)).map(({ to }) => `route delete ${to} dev ${device}`),
    ...peers
      .filter(({ podCidr, address }) => !known.has(`${podCidr} ${address}`))
      .map(({ podCidr, address }) => `route replace ${podCidr} via ${address} dev ${device} onlink`),
  ];
}
