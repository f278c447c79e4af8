import { readFileSync } from 'node:fs';
import { arch, hostname, networkInterfaces } from 'node:os';
import type { Config } from './config-table.ts';

/** The node's name: as configured, or the host's, in lower case as the API wants it. */
export function nodeNameOf(config: Pick<Config, 'node-name'>): string {
  return config['node-name'] || hostname().toLowerCase();
}

/** The node's address: as configured, or that of the interface with the default route, or the first that is not loopback. */
export function nodeAddressOf(config: Pick<Config, 'node-ip'>): string {
  if (config['node-ip']) return config['node-ip'];
  const interfaces = networkInterfaces();
  const addresses = (name: string) =>
    (interfaces[name] ?? []).filter(entry => entry.family === 'IPv4' && !entry.internal).map(entry => entry.address);
  const first = Object.keys(interfaces)
    .filter(name => !/^(veth|wherry|cni|docker)/.test(name))
    .flatMap(addresses)[0];
  return addresses(defaultRouteInterface() ?? '')[0] ?? first ?? '127.0.0.1';
}

/** Go's name of this machine's architecture, as images and node labels carry it. */
export function hostArchitecture(): string {
  return { x64: 'amd64', arm64: 'arm64', arm: 'arm', ia32: '386' }[arch() as string] ?? arch();
}

/** Read from the kernel's table; undefined without a default route or on another system than Linux. */
function defaultRouteInterface(): string | undefined {
  let table: string;
  try {
    table = readFileSync('/proc/net/route', 'utf8');
  } catch {
    return undefined; // not Linux: there is no such table, and the caller has a second choice
  }
  const rows = table
    .split('\n')
    .slice(1)
    .map(line => line.split('\t'));
  return rows.find(
    ([, destination, , flags]) => destination === '00000000' && (Number.parseInt(flags ?? '0', 16) & 1) === 1,
  )?.[0];
}
