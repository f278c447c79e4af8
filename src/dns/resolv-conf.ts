import { isIP } from 'node:net';
import { addressFamily, type Clock } from '#base';
import { createWatchedFile } from './watched-file.ts';

/** A name server that we ask. */
export interface Upstream {
  address: string;
  port: number;
}

/** Where systemd-resolved keeps the servers behind its own loopback address; the kubelet of upstream looks there too. */
const resolvedConf = '/run/systemd/resolve/resolv.conf';

/** Addresses on `nameserver` lines, in order. */
export function parseResolvConf(text: string): string[] {
  return text.split('\n').flatMap(line => {
    const address = /^\s*nameserver\s+(\S+)/.exec(line)?.[1];
    return address && isIP(address) ? [address] : [];
  });
}

/** `1.2.3.4`, `1.2.3.4:5353`, `::1`, `[::1]:5353`. Throws with the text when it is none. */
export function parseUpstream(text: string): Upstream {
  const match = /^\[(.+)\](?::(\d+))?$/.exec(text) ?? /^([\d.]+)(?::(\d+))?$/.exec(text);
  const [address, port] = [match?.[1] ?? text, Number(match?.[2] ?? 53)];
  if (!addressFamily(address) || port < 1 || port > 65535) {
    throw new Error(`${JSON.stringify(text)} is no name server: give an address, or an address and a port`);
  }
  return { address, port };
}

export interface UpstreamsOptions {
  clock: Clock;
  /** Path of the node's own file. */
  resolvConf: string;
  /** Asked when all servers of resolvConf are loopback addresses. Default: systemd-resolved's. */
  resolvedConf?: string;
  /** Instead of what the files say; loopback addresses are allowed here. */
  given?: readonly string[] | undefined;
  /** Never asked: a server that asks itself answers nobody. */
  isSelf(upstream: Upstream): boolean;
}

/** The servers to ask now, in order. Loopback addresses of the node's files are left out: on the node they mean another resolver than in a pod. */
export function createUpstreams(options: UpstreamsOptions): () => Promise<readonly Upstream[]> {
  const others = (upstreams: readonly Upstream[]) => upstreams.filter(one => !options.isSelf(one));
  if (options.given?.length) {
    const given = others(options.given.map(parseUpstream));
    return async () => given;
  }
  const file = (path: string) => {
    return createWatchedFile({ path, clock: options.clock, parse: parseResolvConf, missing: [] as string[] });
  };
  const [first, second] = [file(options.resolvConf), file(options.resolvedConf ?? resolvedConf)];
  return async () => {
    const all = await first();
    const usable = all.filter(isRemote);
    const found = usable.length || !all.length ? usable : (await second()).filter(isRemote);
    return others(found.map(address => ({ address, port: 53 })));
  };
}

function isRemote(address: string): boolean {
  return !/^127\.|^0\.0\.0\.0$|^::1?$|^::ffff:127\./i.test(address);
}
