import type { Finding } from './finding.ts';
import { isRoot } from './kernel.ts';
import type { Machine } from './machine.ts';
import { attempt } from './machine.ts';

/** A transaction with what our tables are made of. It is only checked, never carried out. */
const sample = [
  'add table inet wherry-probe',
  'add chain inet wherry-probe nat { type nat hook postrouting priority srcnat; policy accept; }',
  'add chain inet wherry-probe filter { type filter hook forward priority filter; policy accept; }',
  'add map inet wherry-probe services { type ipv4_addr . inet_proto . inet_service : verdict; }',
  'add rule inet wherry-probe filter ct state established accept',
  'add rule inet wherry-probe filter ip daddr . meta l4proto . th dport vmap @services',
  'add rule inet wherry-probe nat ip saddr { 10.42.0.0/16 } masquerade fully-random',
  '',
].join('\n');

/** The program, the kernel's part of it, and the features that our rules use. */
export async function checkNftables(machine: Machine): Promise<Finding[]> {
  const name = 'nftables';
  const version = await attempt(machine, ['nft', '--version']);
  if (version.trouble !== undefined)
    return [{ name, state: 'missing', found: version.trouble, remedy: 'install the package nftables' }];
  if (!(await isRoot(machine)))
    return [{ name, state: 'ok', found: `${version.output}; rules are tried only as root` }];
  const { trouble } = await attempt(machine, ['nft', 'list', 'tables']);
  if (trouble !== undefined) {
    const remedy = 'use a kernel with nf_tables (modprobe nf_tables); in a container, start it privileged';
    return [{ name, state: 'missing', found: `nft list tables: ${trouble}`, remedy }];
  }
  const refused = (await attempt(machine, ['nft', '-c', '-f', '-'], sample)).trouble;
  if (refused === undefined) return [{ name, state: 'ok', found: version.output ?? '' }];
  const remedy = 'use a kernel with nft_nat, nft_masq and nft_ct, and nftables 0.9.4 or newer';
  return [{ name, state: 'missing', found: `rules like ours are refused: ${refused}`, remedy }];
}

/** Chains of others that drop what is forwarded: an accept in our tables does not overrule them. */
export async function checkForwarding(machine: Machine): Promise<Finding[]> {
  const name = 'forwarding';
  const { output } = await attempt(machine, ['nft', '-j', 'list', 'chains']);
  const closed = parseChains(output ?? '').filter(({ hook, policy }) => hook === 'forward' && policy === 'drop');
  if (!closed.length) return [{ name, state: 'ok', found: 'no chain drops all that it does not know' }];
  const found = closed.map(chain => `${chain.family} ${chain.table} ${chain.name}`).join(', ');
  const remedy =
    'accept packets from and to the range of the pods there (iptables -I FORWARD -s 10.42.0.0/16 -j ACCEPT, and -d)';
  return [{ name, state: 'warning', found: `dropped unless accepted in ${found}`, remedy }];
}

export async function checkNamespaces(machine: Machine): Promise<Finding[]> {
  const name = 'network namespaces';
  const remedy = 'use a kernel with CONFIG_NET_NS; in a container, start it privileged';
  if (!(await machine.exists('/proc/self/ns/net')))
    return [{ name, state: 'missing', found: 'not known to the kernel', remedy }];
  if (!(await isRoot(machine)))
    return [{ name, state: 'ok', found: 'known to the kernel; making one is tried only as root' }];
  const { trouble } = await attempt(machine, ['unshare', '--net', 'true']);
  if (trouble === undefined) return [{ name, state: 'ok', found: 'can be made' }];
  return [{ name, state: 'missing', found: `cannot be made: ${trouble}`, remedy }];
}

/** Tried in a namespace of its own that ends with the try, so this machine's devices stay as they are. */
export async function checkVxlan(machine: Machine): Promise<Finding[]> {
  const name = 'VXLAN';
  const remedy = 'one node is all that works: for more, load the module (modprobe vxlan; package linux-modules-extra)';
  if (!(await isRoot(machine))) {
    if (await machine.exists('/sys/module/vxlan')) return [{ name, state: 'ok', found: 'known to the kernel' }];
    return [{ name, state: 'warning', found: 'not loaded; a device is tried only as root', remedy }];
  }
  const device = 'ip link add wherry-probe type vxlan id 1 dstport 8472';
  const { trouble } = await attempt(machine, ['unshare', '--net', ...device.split(' ')]);
  if (trouble === undefined) return [{ name, state: 'ok', found: 'a device can be made' }];
  return [{ name, state: 'warning', found: `a device cannot be made: ${trouble}`, remedy }];
}

interface Chain {
  family: string;
  table: string;
  name: string;
  hook?: string;
  policy?: string;
}

function parseChains(text: string): Chain[] {
  if (!text) return []; // no rights or no nft: the finding on nftables tells
  const { nftables = [] } = JSON.parse(text) as { nftables?: { chain?: Chain }[] };
  return nftables.flatMap(({ chain }) => (chain ? [chain] : []));
}
