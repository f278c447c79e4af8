import { resources } from '#api';
import type { Cidr } from '#base';
import { parseCidr } from '#base';
import { isNotFound } from '#client';
import type { ControllerSpec } from '../controller.ts';
import { startLoop } from '../loop.ts';
import { planNodeRanges } from './plan.ts';

const { nodes } = resources;
/** Upstream's --node-cidr-mask-size-ipv6. */
const nodePrefixIpv6 = 64;

/** Gives each node its pod range. With no cluster ranges configured, nodes bring their own and nothing is done. */
export const nodeIpam: ControllerSpec = {
  name: 'nodeipam',
  serviceAccount: 'node-controller',
  reads: [nodes],
  writes: [{ resource: nodes, verbs: ['patch'] }],
  async start(deps) {
    const { informers, client, events, config } = deps;
    const all = informers.of(nodes);
    const clusterCidrs = config.clusterCidrs.map(toCidr);
    const prefixOf = (family: 4 | 6) => (family === 4 ? (config.nodePrefix ?? 24) : nodePrefixIpv6);
    /** Given out and not shown by the informer yet. */
    const given = new Map<string, readonly string[]>();
    const sync = async (name: string) => {
      const node = all.get(undefined, name);
      if (!node || !clusterCidrs.length || node.spec.podCIDR) return void given.delete(name);
      const used = [...all.list().flatMap(({ spec }) => spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : []))];
      const podCIDRs =
        given.get(name) ?? planNodeRanges(clusterCidrs, prefixOf, [...used, ...[...given.values()].flat()]);
      if (!podCIDRs) {
        const message = `Node ${name} status is now: CIDRNotAvailable`;
        events.record(node, { type: 'Normal', reason: 'CIDRNotAvailable', message });
        throw new Error(`failed to allocate cidr from cluster cidr: there are no remaining CIDRs left to allocate`);
      }
      given.set(name, podCIDRs);
      try {
        await client.patch(nodes, { name }, { type: 'strategic', body: { spec: { podCIDR: podCIDRs[0], podCIDRs } } });
      } catch (error) {
        given.delete(name);
        if (!isNotFound(error)) throw error;
      }
      return;
    };
    // One at a time: two nodes must not get the same range.
    const loop = startLoop(deps, { name: 'nodeipam', concurrency: 1, informers: [all], sync });
    loop.on(all, ({ object }) => [object.metadata.name]);
    return loop;
  },
};

function toCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (!cidr) throw new Error(`cluster CIDR ${JSON.stringify(text)} is no range of addresses`);
  return cidr;
}
