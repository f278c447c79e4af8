import type { Container, Pod } from '#api';
import { markChain } from './names.ts';
import type { Fragment } from './rules.ts';
import { emptyFragment } from './rules.ts';
import { isIpv4 } from './service-ports.ts';

/** Rules for the host ports of one pod of this node; none before it has an address, and none after it has finished. */
export function planHostPorts(pod: Pod): Fragment {
  const fragment = emptyFragment();
  const { metadata, spec, status } = pod;
  const address = podIpv4(pod);
  const isFinished = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  if (!address || spec.hostNetwork || isFinished) return fragment;
  const comment = ` comment "${`${metadata.namespace}/${metadata.name}`.slice(0, maxCommentLength)}"`;
  for (const { hostPort, containerPort, protocol = 'TCP', hostIP = '' } of portsOf(pod)) {
    const isAnywhere = hostIP === '' || hostIP === '0.0.0.0';
    if (!hostPort || !(isAnywhere || isIpv4(hostIP))) continue;
    const transport = protocol.toLowerCase();
    const chain = `hostport-${transport}/${isAnywhere ? '0.0.0.0' : hostIP}/${hostPort}`;
    fragment.chains.push([chain, hostPortRules(transport, address, containerPort)]);
    fragment.elements.push(
      isAnywhere
        ? { set: 'hostports', key: `${transport} . ${hostPort}`, tail: `${comment} : goto ${chain}` }
        : { set: 'hostport-ips', key: `${hostIP} . ${transport} . ${hostPort}`, tail: `${comment} : goto ${chain}` },
    );
    if (transport === 'udp') {
      fragment.udp.push({ address: isAnywhere ? undefined : hostIP, port: hostPort, answering: [address] });
    }
  }
  return fragment;
}

/** Where an old pod still goes and a new one is there already, the new one gets the port. */
export function orderHostPorts(a: Pod, b: Pod): number {
  const rank = ({ metadata }: Pod) => (metadata.deletionTimestamp ? 1 : 0);
  const newest = (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '');
  return rank(a) - rank(b) || newest || a.metadata.name.localeCompare(b.metadata.name);
}

/** nft takes at most 128 characters of comment. */
const maxCommentLength = 127;

/** Containers that stay: init containers run before the pod has clients, but for sidecars. */
function portsOf({ spec }: Pod) {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }: Container) => restartPolicy === 'Always');
  return [...spec.containers, ...sidecars].flatMap(({ ports }) => ports ?? []);
}

function podIpv4({ status }: Pod): string | undefined {
  return [status?.podIP ?? '', ...(status?.podIPs ?? []).map(({ ip }) => ip ?? '')].find(isIpv4);
}

function hostPortRules(transport: string, address: string, port: number): string[] {
  return [
    // Hairpin, and callers on this node's loopback: neither address leads back from the pod.
    `ip saddr { ${address}, 127.0.0.0/8 } jump ${markChain}`,
    `meta l4proto ${transport} dnat to ${address}:${port}`,
  ];
}
