import type { EndpointSlice, Service } from '#api';
import { cidrContains, parseCidr } from '#base';
import type { ProxyConfig } from './config.ts';
import type { Endpoint, EndpointChoice } from './endpoints.ts';
import { chooseEndpoints, endpointsOf, keyOf } from './endpoints.ts';
import { affinitySetName, endpointChainName, markChain, portChainName, rejectChain } from './names.ts';
import { formatRanges, isEverywhere } from './ranges.ts';
import type { ElementSet, Fragment } from './rules.ts';
import { emptyFragment } from './rules.ts';
import type { ServicePortSpec } from './service-ports.ts';
import { clusterIpOf, isExternal, isForeign, servicePortsOf } from './service-ports.ts';

export type Here = Pick<ProxyConfig, 'nodeName' | 'nodeIps' | 'clusterCidrs'>;

/** Rules of one Service. The layout is that of kube-proxy's nftables mode (upstream: pkg/proxy/nftables). */
export function planService(service: Service, slices: readonly EndpointSlice[], here: Here): Fragment {
  const fragment = emptyFragment();
  const clusterIp = clusterIpOf(service);
  if (!clusterIp) return fragment;
  const set = isForeign(service) ? 'foreign-cluster-ips' : 'cluster-ips';
  fragment.elements.push({ set, key: clusterIp, tail: '' });
  for (const port of servicePortsOf(service)) {
    const endpoints = endpointsOf(slices, { ...port, nodeName: here.nodeName });
    planPort({ fragment, port, endpoints: chooseEndpoints(endpoints, port), here });
    if (port.protocol === 'udp') fragment.udp.push(...udpFrontends(port, endpoints));
  }
  return fragment;
}

interface PortPlan {
  fragment: Fragment;
  port: ServicePortSpec;
  endpoints: EndpointChoice;
  here: Here;
}

/** How one kind of traffic of a port, internal or external, gets to its endpoints, or why it does not. */
interface Way {
  /** The chain that spreads traffic over the endpoints; undefined when there are none for it. */
  policyChain: string | undefined;
  /** What happens to packets that nobody takes; undefined when somebody does. */
  refusal: string | undefined;
}

function planPort(plan: PortPlan): void {
  const { fragment, port, endpoints } = plan;
  const { cluster, local, all } = endpoints;
  if (cluster.length) fragment.chains.push([portChainName('service', port), spreadRules(port, cluster)]);
  if (local.length) fragment.chains.push([portChainName('local', port), spreadRules(port, local)]);
  for (const endpoint of all) {
    fragment.chains.push([endpointChainName(port, endpoint), endpointRules(port, endpoint)]);
    if (port.affinitySeconds) fragment.affinitySets.push(affinitySetName(port, endpoint));
  }
  planInternal(plan, wayOf(plan, port.isInternalLocal));
  if (isExternal(port)) planExternal(plan, wayOf(plan, port.isExternalLocal));
}

function wayOf({ port, endpoints: { cluster, local, hasAny } }: PortPlan, isLocalOnly: boolean): Way {
  const reachable = isLocalOnly ? local : cluster;
  if (reachable.length) {
    return { policyChain: portChainName(isLocalOnly ? 'local' : 'service', port), refusal: undefined };
  }
  // Other nodes do serve it: who came here by mistake tries again there, so no refusal is sent.
  return { policyChain: undefined, refusal: hasAny ? ' : drop' : ` : goto ${rejectChain}` };
}

function planInternal({ fragment, port, here }: PortPlan, { policyChain, refusal }: Way): void {
  const key = addressKey(port.clusterIp, port);
  if (refusal) add(fragment, 'no-endpoint-services', key, withComment(port, refusal));
  if (!policyChain) return;
  add(fragment, 'service-ips', key, ` : goto ${policyChain}`);
  const masquerade = masqueradeRule(port, here);
  // First in its chain, which external traffic may use too: hence the address again.
  if (masquerade) prependRule(fragment, policyChain, masquerade);
}

/** Who sends from outside the cluster to a cluster IP has routed it here, and the answer must come back here. */
function masqueradeRule({ clusterIp, protocol, port }: ServicePortSpec, { clusterCidrs }: Here): string | undefined {
  const pods = formatRanges(clusterCidrs);
  if (!pods) return undefined;
  return `ip daddr ${clusterIp} ${protocol} dport ${port} ip saddr != ${pods} jump ${markChain}`;
}

function planExternal(plan: PortPlan, way: Way): void {
  const { fragment, port, endpoints } = plan;
  const addresses = [...new Set([...port.externalIps, ...port.loadBalancerIps])];
  // Also without endpoints on this node, for pods and processes of this node, which are not bound to it.
  if (endpoints.hasAny) {
    const chain = portChainName('external', port);
    fragment.chains.push([chain, externalRules(plan, way)]);
    for (const address of addresses) add(fragment, 'service-ips', addressKey(address, port), ` : goto ${chain}`);
    if (port.nodePort) add(fragment, 'service-nodeports', portKey(port.nodePort, port), ` : goto ${chain}`);
  }
  if (way.refusal) {
    const tail = withComment(port, way.refusal);
    for (const address of addresses) add(fragment, 'no-endpoint-services', addressKey(address, port), tail);
    if (port.nodePort) add(fragment, 'no-endpoint-nodeports', portKey(port.nodePort, port), tail);
  }
  planFirewall(plan);
}

function externalRules({ port, here }: PortPlan, { policyChain }: Way): string[] {
  // The endpoint may be on another node, whose answer must come back through this one.
  if (!port.isExternalLocal) return [`jump ${markChain}`, ...(policyChain ? [`goto ${policyChain}`] : [])];
  const everywhere = portChainName('service', port);
  const pods = formatRanges(here.clusterCidrs);
  return [
    // Pods and this node go to any endpoint, as if they went out to the load balancer and came back in.
    ...(pods ? [`ip saddr ${pods} goto ${everywhere}`] : []),
    `fib saddr type local jump ${markChain}`,
    `fib saddr type local goto ${everywhere}`,
    ...(policyChain ? [`goto ${policyChain}`] : []),
  ];
}

/** loadBalancerSourceRanges: for load balancer addresses only; node ports are not subject to it, as upstream. */
function planFirewall({ fragment, port, here }: PortPlan): void {
  const { loadBalancerIps, sourceRanges } = port;
  if (!loadBalancerIps.length || !sourceRanges.length || isEverywhere(sourceRanges)) return;
  const ranges = sourceRanges.flatMap(range => parseCidr(range) ?? []);
  const isNodeAllowed = ranges.some(range => here.nodeIps.some(ip => cidrContains(range, ip)));
  // A load balancer may put its address on this node: then this node's own requests come from that address.
  const sources = formatRanges([...sourceRanges, ...(isNodeAllowed ? loadBalancerIps.map(ip => `${ip}/32`) : [])]);
  const chain = portChainName('firewall', port);
  fragment.chains.push([chain, [`ip saddr != ${sources} drop`]]);
  for (const address of loadBalancerIps) {
    add(fragment, 'firewall-ips', addressKey(address, port), withComment(port, ` : goto ${chain}`));
  }
}

function spreadRules(port: ServicePortSpec, endpoints: readonly Endpoint[]): string[] {
  const stay = port.affinitySeconds
    ? endpoints.map(one => `ip saddr @${affinitySetName(port, one)} goto ${endpointChainName(port, one)}`)
    : [];
  const targets = endpoints.map((one, index) => `${index} : goto ${endpointChainName(port, one)}`);
  return [...stay, `numgen random mod ${endpoints.length} vmap { ${targets.join(', ')} }`];
}

function endpointRules(port: ServicePortSpec, endpoint: Endpoint): string[] {
  const { affinitySeconds } = port;
  const remember = `update @${affinitySetName(port, endpoint)} { ip saddr timeout ${affinitySeconds}s }`;
  return [
    // Hairpin: a pod that reaches itself must see the node, or it would answer itself past us.
    `ip saddr ${endpoint.address} jump ${markChain}`,
    ...(affinitySeconds ? [remember] : []),
    `meta l4proto ${port.protocol} dnat to ${keyOf(endpoint)}`,
  ];
}

function udpFrontends(port: ServicePortSpec, endpoints: readonly Endpoint[]) {
  const answering = endpoints.filter(({ isServing }) => isServing).map(({ address }) => address);
  const addresses = [port.clusterIp, ...port.externalIps, ...port.loadBalancerIps];
  return [
    ...addresses.map(address => ({ address, port: port.port, answering })),
    ...(port.nodePort ? [{ address: undefined, port: port.nodePort, answering }] : []),
  ];
}

function add(fragment: Fragment, set: ElementSet, key: string, tail: string): void {
  fragment.elements.push({ set, key, tail });
}

function prependRule(fragment: Fragment, chain: string, rule: string): void {
  fragment.chains = fragment.chains.map(([name, rules]) => (name === chain ? [name, [rule, ...rules]] : [name, rules]));
}

function addressKey(address: string, { protocol, port }: ServicePortSpec): string {
  return `${address} . ${protocol} . ${port}`;
}

function portKey(nodePort: number, { protocol }: ServicePortSpec): string {
  return `${protocol} . ${nodePort}`;
}

function withComment({ namespace, service, portName }: ServicePortSpec, tail: string): string {
  const name = `${namespace}/${service}${portName ? `:${portName}` : ''}`.replaceAll(/[^\w./:-]/g, '_');
  // nft takes at most 128 characters of comment.
  return ` comment "${name.slice(0, maxCommentLength)}"${tail}`;
}

const maxCommentLength = 127;
