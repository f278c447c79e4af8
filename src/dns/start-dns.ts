import { resources } from '#api';
import type { Running } from '#base';
import type { ComponentDeps } from '#client';
import { type Answerer, createAnswerer } from './answer.ts';
import { createChain } from './chain.ts';
import { createClusterIndex } from './cluster-index.ts';
import { joinLinks } from './link.ts';
import { listenAll } from './listen.ts';
import { servfail } from './message.ts';
import { createDnsMeters } from './meters.ts';
import { createUpstreams, type Upstream } from './resolv-conf.ts';

export interface DnsConfig {
  /** `cluster.local`. */
  zone: string;
  /** Addresses to listen on, by UDP and TCP; they must be the node's already. At least one. */
  addresses: readonly string[];
  /** 53; 0 takes any free one, the same for every address. */
  port: number;
  serviceCidrs: readonly string[];
  clusterCidrs: readonly string[];
  /** Path of the node's resolv.conf: whom to ask about other names. Read again when it changes. */
  resolvConf: string;
  /** Instead of the servers of resolvConf: `192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:53`. */
  upstreams?: readonly string[] | undefined;
  /** Path of a hosts file whose names are answered too. Absent: none. */
  hostsFile?: string | undefined;
}

export interface DnsDeps extends ComponentDeps {}

/** What it lists and watches, for its role. It writes nothing. */
export const dnsReads = [resources.services, resources.endpointslices, resources.namespaces] as const;

/**
 * Cluster DNS. Resolves when every address is bound; until the informers have synced, names of the cluster are answered SERVFAIL and `ready()` says so.
 * Rejects when an address cannot be bound, naming it, and leaves nothing behind.
 */
export async function startDns(config: DnsConfig, deps: DnsDeps): Promise<Running & { readonly port: number }> {
  const { clock, random, log, meter } = deps;
  const meters = createDnsMeters(meter);
  const zone = config.zone.toLowerCase().replace(/\.$/, '');
  const stop = new AbortController();
  await using starting = new AsyncDisposableStack();
  const answering = new Set<Promise<unknown>>();
  starting.defer(async () => void (await Promise.all(answering)));
  starting.defer(() => stop.abort());
  const cluster = starting.use(followCluster(deps));
  let port = config.port;
  const isSelf = (upstream: Upstream) => upstream.port === port && config.addresses.includes(upstream.address);
  const links = createChain({
    ...{ zone, clock, random, log, meters, signal: stop.signal, view: cluster.view, isSynced: cluster.isSynced },
    serverAddresses: config.addresses,
    cidrs: [...config.serviceCidrs, ...config.clusterCidrs],
    hostsFile: config.hostsFile,
    upstreams: createUpstreams({ clock, resolvConf: config.resolvConf, given: config.upstreams, isSelf }),
  });
  const answerer = createAnswerer({ resolve: joinLinks(links, async () => servfail('.')), meters, log });
  const answer: Answerer = (message, protocol) => {
    const answered = answerer(message, protocol).finally(() => answering.delete(answered));
    answering.add(answered);
    return answered;
  };
  const onError = (error: Error) => log.debug('socket failed', { error });
  const listening = starting.use(await listenAll({ addresses: config.addresses, port, answer, onError, clock }));
  port = listening.port;
  const running = starting.move();
  return {
    port,
    ready: () => (cluster.isSynced() ? undefined : 'services, endpoints and namespaces are not listed yet'),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** The index over the informers. */
function followCluster({ informers, clock }: DnsDeps) {
  const view = createClusterIndex(() => clock.now());
  const [services, slices, namespaces] = [
    informers.of(resources.services),
    informers.of(resources.endpointslices),
    informers.of(resources.namespaces),
  ];
  const handlers = new DisposableStack();
  handlers.use(services.onChange(view.onService));
  handlers.use(slices.onChange(view.onSlice));
  handlers.use(namespaces.onChange(view.onNamespace));
  const isSynced = () => services.synced() && slices.synced() && namespaces.synced();
  return { view, isSynced, [Symbol.dispose]: () => handlers.dispose() };
}
