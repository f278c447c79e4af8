import type { Node } from '#api';
import type { Cidr } from '#base';
import { addressFamily, cidrAddress, formatCidr, parseCidr } from '#base';

/** Another node, as the tunnel needs to know it. */
export interface Peer {
  nodeIp: string;
  podCidr: string;
  /** The tunnel address of that node: the first of its pod range. */
  address: string;
  hardware: string;
}

/** What this node has to set up. */
export interface OverlayPlan {
  podCidr: string;
  /** Own tunnel address and hardware address. */
  address: string;
  hardware: string;
  /** Ordered by pod range. */
  peers: Peer[];
}

/** The plan out of all nodes of the cluster, or why there is none yet. */
export function planOverlay(
  nodes: readonly Node[],
  own: { nodeName: string; nodeIp: string },
): OverlayPlan | { missing: string } {
  const node = nodes.find(({ metadata }) => metadata.name === own.nodeName);
  if (!node) return { missing: `node ${own.nodeName} is not registered yet` };
  if (!rangesOf(node).length) return { missing: `node ${own.nodeName} has no pod range yet` };
  const range = podRange(node);
  if (!range)
    return { missing: `node ${own.nodeName} has no IPv4 pod range: pod networks of IPv6 alone are not supported` };
  const taken = new Set([formatCidr(range)]);
  const peers: Peer[] = [];
  for (const other of [...nodes].sort(byName)) {
    const peer = other === node ? undefined : toPeer(other, addressFamily(own.nodeIp));
    // Two nodes with one range cannot both be reached; the controller never gives it twice.
    if (!peer || taken.has(peer.podCidr)) continue;
    taken.add(peer.podCidr);
    peers.push(peer);
  }
  return { podCidr: formatCidr(range), ...tunnelEnd(range), peers };
}

/** The text of everything in a node that the plan reads: equal means that nothing is to be done. */
export function planInput(node: Node): string {
  const addresses = (node.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP');
  return [...rangesOf(node), '', ...addresses.map(({ address }) => address)].join(' ');
}

/**
 * The hardware address is made of the tunnel address, so every node knows those of all others without asking: nothing to publish, and a tunnel
 * that is made again is the same. 02 marks an address that no vendor gave out; 77 is `w`.
 */
function tunnelEnd(range: Cidr): { address: string; hardware: string } {
  const address = cidrAddress(range, 0);
  const bytes = address.split('.').map(part => Number(part).toString(16).padStart(2, '0'));
  return { address, hardware: ['02', '77', ...bytes].join(':') };
}

/** Undefined as long as the node has no range, or no address of the family that the tunnel runs over. */
function toPeer(node: Node, family: 4 | 6 | undefined): Peer | undefined {
  const range = podRange(node);
  const nodeIp = (node.status?.addresses ?? []).find(
    ({ type, address }) => type === 'InternalIP' && addressFamily(address) === family,
  )?.address;
  return range && nodeIp ? { nodeIp, podCidr: formatCidr(range), ...tunnelEnd(range) } : undefined;
}

function podRange(node: Node): Cidr | undefined {
  return rangesOf(node)
    .map(parseCidr)
    .find(range => range?.family === 4);
}

function rangesOf({ spec }: Node): string[] {
  return spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : []);
}

function byName(a: Node, b: Node): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
