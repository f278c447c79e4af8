import type { Exec } from './exec.ts';
import { CommandError } from './exec.ts';

export interface Link {
  index: number;
  name: string;
  mtu: number;
  /** Hardware address; empty for devices without one. */
  address: string;
  up: boolean;
  /** `vxlan`, `veth`, ...; undefined for physical devices. */
  kind: string | undefined;
  /** What the kind is set up with, as `ip -d -json link` names it. */
  kindOptions: Readonly<Record<string, unknown>>;
}

export interface LinkAddress {
  device: string;
  family: 4 | 6;
  address: string;
  prefix: number;
  /** `global`, `link` or `host`. */
  scope: string;
}

export interface Route {
  /** `default`, `10.42.1.0/24`, or a single address. */
  to: string;
  device: string | undefined;
  via: string | undefined;
  source: string | undefined;
  onlink: boolean;
}

export interface Neighbour {
  address: string;
  hardware: string;
  device: string;
  permanent: boolean;
}

/** Where a VXLAN device sends frames for a hardware address. */
export interface ForwardingEntry {
  hardware: string;
  to: string;
}

/** Links, addresses, routes and neighbours of one network namespace; rejects with IpError. */
export interface Ip {
  links(): Promise<Link[]>;
  addresses(): Promise<LinkAddress[]>;
  /** Main table. `device` narrows. */
  routes(options?: { family?: 4 | 6; device?: string }): Promise<Route[]>;
  neighbours(device: string): Promise<Neighbour[]>;
  forwarding(device: string): Promise<ForwardingEntry[]>;
  /** Lines for `ip -batch` (`link set x up`), in order; stops at the first that fails. */
  batch(lines: readonly string[]): Promise<void>;
  /** Lines for `bridge -batch` (`fdb replace ...`). */
  bridgeBatch(lines: readonly string[]): Promise<void>;
}

export class IpError extends Error {
  override readonly name = 'IpError';
}

/** Through ip(8) and bridge(8) of iproute2; changes need CAP_NET_ADMIN. */
export function createIp(exec: Exec): Ip {
  const call = async (program: 'ip' | 'bridge', args: string[], input?: string) => {
    try {
      return (await exec.run({ program, args, input })).stdout;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const hint = error.code === 'missing' ? `${program} is not installed: install the package iproute2` : '';
      throw new IpError(hint || `${program}: ${error.stderr.trim() || error.message}`, { cause: error });
    }
  };
  const json = async (program: 'ip' | 'bridge', ...args: string[]) => {
    const text = (await call(program, args)).trim();
    return (text ? JSON.parse(text) : []) as Json[];
  };
  const batch = async (program: 'ip' | 'bridge', lines: readonly string[]) => {
    if (lines.length) await call(program, ['-batch', '-'], lines.map(line => `${line}\n`).join(''));
  };
  return {
    links: async () => (await json('ip', '-d', '-json', 'link', 'show')).map(toLink),
    addresses: async () => (await json('ip', '-json', 'address', 'show')).flatMap(toAddresses),
    routes: async ({ family = 4, device } = {}) =>
      (await json('ip', `-${family}`, '-json', 'route', 'show', ...(device ? ['dev', device] : []))).map(entry =>
        toRoute(entry, device),
      ),
    neighbours: async device =>
      (await json('ip', '-json', 'neigh', 'show', 'dev', device)).map(entry => toNeighbour(entry, device)),
    forwarding: async device => (await json('bridge', '-json', 'fdb', 'show', 'dev', device)).flatMap(toForwarding),
    batch: lines => batch('ip', lines),
    bridgeBatch: lines => batch('bridge', lines),
  };
}

type Json = Readonly<Record<string, unknown>>;
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function toLink(entry: Json): Link {
  const detail = (entry['linkinfo'] ?? {}) as { info_kind?: string; info_data?: Json };
  return {
    index: Number(entry['ifindex']),
    name: String(entry['ifname']),
    mtu: Number(entry['mtu']),
    address: text(entry['address']) ?? '',
    up: ((entry['flags'] ?? []) as string[]).includes('UP'),
    kind: detail.info_kind,
    kindOptions: detail.info_data ?? {},
  };
}

function toAddresses(entry: Json): LinkAddress[] {
  return ((entry['addr_info'] ?? []) as Json[])
    .filter(one => one['local'] !== undefined)
    .map(one => ({
      device: String(entry['ifname']),
      family: one['family'] === 'inet6' ? 6 : 4,
      address: String(one['local']),
      prefix: Number(one['prefixlen']),
      scope: String(one['scope']),
    }));
}

function toRoute(entry: Json, device: string | undefined): Route {
  return {
    to: String(entry['dst']),
    device: text(entry['dev']) ?? device,
    via: text(entry['gateway']),
    source: text(entry['prefsrc']),
    onlink: ((entry['flags'] ?? []) as string[]).includes('onlink'),
  };
}

function toNeighbour(entry: Json, device: string): Neighbour {
  const states = (entry['state'] ?? []) as string[];
  return {
    address: String(entry['dst']),
    hardware: text(entry['lladdr']) ?? '',
    device,
    permanent: states.includes('PERMANENT'),
  };
}

function toForwarding(entry: Json): ForwardingEntry[] {
  const [hardware, to] = [text(entry['mac']), text(entry['dst'])];
  return hardware && to ? [{ hardware, to }] : [];
}
