import { readFile } from 'node:fs/promises';
import type { Pod } from '#api';

export interface DnsConfig {
  servers: string[];
  searches: string[];
  options: string[];
}

export interface DnsFacts {
  clusterDns: readonly string[];
  clusterDomain: string;
  /** What the node itself uses. */
  host: DnsConfig;
}

/** glibc's limits, as upstream enforces them. */
const [maxServers, maxSearches, maxSearchChars] = [3, 32, 2048];

/** The pod's resolv.conf as dnsPolicy and dnsConfig want it. Source: upstream's pkg/kubelet/network/dns. */
export function podDns(pod: Pod, facts: DnsFacts): DnsConfig {
  const base = baseDns(pod, facts);
  const { nameservers = [], searches = [], options = [] } = pod.spec.dnsConfig ?? {};
  const named = new Map(base.options.map(option => [option.split(':')[0]!, option]));
  for (const { name = '', value } of options) named.set(name, value ? `${name}:${value}` : name);
  const allSearches = [...new Set([...base.searches, ...searches])].slice(0, maxSearches);
  while (allSearches.join(' ').length > maxSearchChars) allSearches.pop();
  return {
    servers: [...new Set([...base.servers, ...nameservers])].slice(0, maxServers),
    searches: allSearches,
    options: [...named.values()],
  };
}

function baseDns(pod: Pod, { clusterDns, clusterDomain, host }: DnsFacts): DnsConfig {
  const { dnsPolicy = 'ClusterFirst', hostNetwork } = pod.spec;
  if (dnsPolicy === 'None') return { servers: [], searches: [], options: [] };
  const cluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork);
  if (!cluster || clusterDns.length === 0) return host;
  const namespace = pod.metadata.namespace ?? 'default';
  const searches = [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
  return {
    servers: [...clusterDns],
    searches: [...new Set([...searches, ...host.searches])],
    options: ['ndots:5'],
  };
}

/** Reads a resolv.conf; a missing file is an empty one. */
export async function readResolvConf(path: string): Promise<DnsConfig> {
  const result: DnsConfig = { servers: [], searches: [], options: [] };
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return result;
    throw error;
  }
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver' && values[0]) result.servers.push(values[0]);
    // The last search line counts.
    if (keyword === 'search') result.searches = values.filter(value => value !== '.');
    if (keyword === 'options') result.options.push(...values);
  }
  return result;
}
