import type { Cidr } from '#base';
import { cidrSubnet, formatCidr, parseCidr } from '#base';

/**
 * A range for a node out of each cluster range: the first that is free. Undefined when one of them is used up. `used` holds ranges as text;
 * what is no subnet of the cluster's ranges does not count.
 */
export function planNodeRanges(
  clusterCidrs: readonly Cidr[],
  prefixOf: (family: 4 | 6) => number,
  used: Iterable<string>,
): string[] | undefined {
  const taken = Array.from(used, text => parseCidr(text)).filter(cidr => cidr !== undefined);
  const ranges: string[] = [];
  for (const cluster of clusterCidrs) {
    const prefix = prefixOf(cluster.family);
    const blocked = taken.filter(({ family }) => family === cluster.family);
    const free = firstFree(cluster, prefix, blocked);
    if (!free) return undefined;
    ranges.push(formatCidr(free));
  }
  return ranges;
}

function firstFree(cluster: Cidr, prefix: number, blocked: readonly Cidr[]): Cidr | undefined {
  // One more candidate than there are ranges in the way always suffices, but for ranges larger than a node's.
  const count = Math.min(2 ** Math.min(30, prefix - cluster.prefix), 65_536);
  for (let index = 0; index < count; index++) {
    const candidate = cidrSubnet(cluster, prefix, index);
    if (!blocked.some(other => overlaps(candidate, other))) return candidate;
  }
  return undefined;
}

function overlaps(one: Cidr, other: Cidr): boolean {
  const hostBits = BigInt((one.family === 4 ? 32 : 128) - Math.min(one.prefix, other.prefix));
  return one.base >> hostBits === other.base >> hostBits;
}
