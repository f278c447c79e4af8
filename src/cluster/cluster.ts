import type { Clock, Log, Meter, Random, Running } from '#base';
import type { Client, ComponentDeps, Informers } from '#client';
import { createEventRecorder, createInformers } from '#client';
import type { Cri, PeerUser, TlsFiles } from '#wire';
import type { Config } from './config-table.ts';
import type { ControlPlane } from './control-plane.ts';
import type { Paths } from './paths.ts';

/** One run of the program, and what its components hand to each other. */
export interface Cluster {
  readonly role: 'server' | 'agent';
  readonly config: Config;
  readonly paths: Paths;
  readonly nodeName: string;
  readonly nodeAddress: string;
  /** What set-up has made: descriptions of fields. */
  readonly assetFolder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
  /** What has been started so far, in order. */
  readonly started: { readonly name: string; readonly running: Running }[];
  /** Set by the first component of a server. */
  controlPlane?: ControlPlane;
  /** Set by the first component: gives clients, by calls in this process on a server, over HTTPS on an agent. */
  connect?: (user: PeerUser, component: string) => Client;
  /** The ranges and names that all nodes share; an agent learns them from its server. */
  shared: SharedConfig;
  /** Set before the node's components: how this node shows itself to those that call it, and whom it believes. */
  nodeTls?: TlsFiles;
  /** Set when containerd is being run. */
  runtime?: NodeRuntime;
  /** Identity, informers and the like of the node agent; made when first asked for. */
  node?: OwnedDeps;
  /** The same for what serves the pod network, Services and names. */
  network?: OwnedDeps;
  /** A client that acts as the user. */
  clientOf(user: PeerUser, component: string): Client;
}

export type SharedConfig = Pick<Config, 'cluster-cidr' | 'service-cidr' | 'cluster-dns' | 'cluster-domain'>;

export interface NodeRuntime {
  readonly cri: Cri;
  readonly socketPath: string;
  readonly pauseImage: string;
}

/** Picks what all nodes share. */
export function sharedConfig(config: Config): SharedConfig {
  const {
    'cluster-cidr': clusterCidr,
    'service-cidr': serviceCidr,
    'cluster-dns': dns,
    'cluster-domain': domain,
  } = config;
  return { 'cluster-cidr': clusterCidr, 'service-cidr': serviceCidr, 'cluster-dns': dns, 'cluster-domain': domain };
}

/** The node agent's identity, under which the parts that act for the node share one copy of what they read. */
export function nodeDeps(cluster: Cluster): OwnedDeps {
  cluster.node ??= depsOf(cluster, {
    user: users.node(cluster.nodeName),
    component: 'kubelet',
    logName: 'node',
    isOnNode: true,
  });
  return cluster.node;
}

/** What a component is handed, under an identity of its own. Disposed by whoever asked. */
export interface OwnedDeps extends ComponentDeps, AsyncDisposable {
  informers: Informers;
}

/** `about` names the component, as in logs and events; events tell the node when `isOnNode`. */
export function depsOf(
  cluster: Cluster,
  about: { user: PeerUser; component: string; logName: string; isOnNode?: boolean },
): OwnedDeps {
  const { clock, random, meter, nodeName } = cluster;
  const log = cluster.log.child(about.logName);
  const client = cluster.clientOf(about.user, about.component);
  const informers = createInformers({ client, clock, log });
  const host = about.isOnNode ? { host: nodeName } : {};
  const events = createEventRecorder({ client, clock, log, component: about.component, ...host });
  return {
    client,
    informers,
    events,
    clock,
    random,
    log,
    meter,
    async [Symbol.asyncDispose]() {
      await events[Symbol.asyncDispose]();
      await informers[Symbol.asyncDispose]();
    },
  };
}

/** Users of components, as upstream's bootstrap roles know them. */
export const users = {
  controllerManager: { name: 'system:kube-controller-manager', groups: ['system:authenticated'] },
  scheduler: { name: 'system:kube-scheduler', groups: ['system:authenticated'] },
  proxy: { name: 'system:kube-proxy', groups: ['system:authenticated'] },
  admin: { name: 'system:admin', groups: ['system:masters', 'system:authenticated'] },
  node: (name: string) => ({ name: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'] }),
  serviceAccount: (userName: string) => ({
    name: userName,
    groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
  }),
} as const;
