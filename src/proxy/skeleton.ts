import { masqueradeMark, table } from './config.ts';
import { markChain, rejectChain } from './names.ts';
import type { ElementSet } from './rules.ts';
import { elementSetNames, elementSets } from './rules.ts';

const byAddress = 'ipv4_addr . inet_proto . inet_service : verdict';
const byPort = 'inet_proto . inet_service : verdict';

const types: Readonly<Record<ElementSet, string>> = {
  'service-ips': byAddress,
  'service-nodeports': byPort,
  'no-endpoint-services': byAddress,
  'no-endpoint-nodeports': byPort,
  'firewall-ips': byAddress,
  'hostport-ips': byAddress,
  hostports: byPort,
  'cluster-ips': 'ipv4_addr',
  'foreign-cluster-ips': 'ipv4_addr',
};

interface FixedChain {
  name: string;
  /** Where it hangs in the kernel; absent: other chains jump to it. */
  hook?: string;
  rules: readonly string[];
}

/** Hooks and priorities are kube-proxy's, so that what knows how to stand beside it stands beside us. */
const chains: readonly FixedChain[] = [
  { name: markChain, rules: [`mark set mark or ${masqueradeMark}`] },
  { name: rejectChain, rules: ['reject'] },
  // What is no port of a cluster IP is refused, and never leaks along the default route.
  { name: 'cluster-ips-check', rules: ['ip daddr @cluster-ips reject'] },
  { name: 'firewall-check', rules: ['ip daddr . meta l4proto . th dport vmap @firewall-ips'] },
  { name: 'nodeport-endpoints-check', rules: ['meta l4proto . th dport vmap @no-endpoint-nodeports'] },
  { name: 'service-endpoints-check', rules: ['ip daddr . meta l4proto . th dport vmap @no-endpoint-services'] },
  {
    name: 'masquerading',
    rules: [`mark and ${masqueradeMark} == 0 return`, `mark set mark xor ${masqueradeMark}`, 'masquerade fully-random'],
  },
  {
    name: 'filter-prerouting',
    hook: 'filter hook prerouting priority -110',
    rules: ['ct state new jump firewall-check'],
  },
  {
    name: 'filter-input',
    hook: 'filter hook input priority -110',
    rules: ['ct state new jump nodeport-endpoints-check', 'ct state new jump service-endpoints-check'],
  },
  {
    name: 'filter-forward',
    hook: 'filter hook forward priority -110',
    rules: ['ct state new jump service-endpoints-check', 'ct state new jump cluster-ips-check'],
  },
  {
    name: 'filter-output',
    hook: 'filter hook output priority -110',
    rules: ['ct state new jump service-endpoints-check', 'ct state new jump firewall-check'],
  },
  {
    name: 'filter-output-post-dnat',
    hook: 'filter hook output priority -90',
    rules: ['ct state new jump cluster-ips-check'],
  },
  { name: 'nat-prerouting', hook: 'nat hook prerouting priority -100', rules: ['jump services'] },
  { name: 'nat-output', hook: 'nat hook output priority -100', rules: ['jump services'] },
  { name: 'nat-postrouting', hook: 'nat hook postrouting priority 100', rules: ['jump masquerading'] },
];

/**
 * What the kernel itself does while route_localnet is off: loopback addresses stay on `lo`. Before connection tracking, so that the answers of our own
 * connections, which get their loopback address back only there, are not meant; and after source NAT.
 */
const loopbackGuard: readonly FixedChain[] = [
  {
    name: 'loopback-prerouting',
    hook: 'filter hook prerouting priority -300',
    rules: ['iifname != "lo" ip daddr 127.0.0.0/8 drop', 'iifname != "lo" ip saddr 127.0.0.0/8 drop'],
  },
  {
    name: 'loopback-postrouting',
    hook: 'filter hook postrouting priority 110',
    rules: ['oifname != "lo" ip saddr 127.0.0.0/8 drop'],
  },
];

/** Where the packets of a new connection are looked up, in order. */
function servicesChain(localhostPorts: boolean): FixedChain {
  const toNode = `fib daddr type local${localhostPorts ? '' : ' ip daddr != 127.0.0.0/8'}`;
  return {
    name: 'services',
    rules: [
      'ip daddr . meta l4proto . th dport vmap @service-ips',
      // Another's cluster address may stand on this node (cluster DNS does): node ports are not meant there.
      'ip daddr @foreign-cluster-ips return',
      `${toNode} meta l4proto . th dport vmap @service-nodeports`,
      'ip daddr . meta l4proto . th dport vmap @hostport-ips',
      `${toNode} meta l4proto . th dport vmap @hostports`,
    ],
  };
}

/** The table with all that does not depend on objects, as lines of a transaction that replaces what was there. */
export function formatSkeleton({ localhostPorts }: { localhostPorts: boolean }): string[] {
  const all = [...chains, ...(localhostPorts ? loopbackGuard : []), servicesChain(localhostPorts)];
  return [
    // Adding first makes deleting work when there is none.
    `add table ${table}`,
    `delete table ${table}`,
    `add table ${table}`,
    ...elementSetNames.map(name => `add ${elementSets[name]} ${table} ${name} { type ${types[name]}; }`),
    ...all.map(({ name, hook }) => `add chain ${table} ${name}${hook ? ` { type ${hook}; policy accept; }` : ''}`),
    ...all.flatMap(({ name, rules }) => rules.map(rule => `add rule ${table} ${name} ${rule}`)),
  ];
}
