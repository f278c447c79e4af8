import { join } from 'node:path';
import type { Config } from './config-table.ts';

/** Where everything lies under the data folder; K3s' layout where it has one. */
export interface Paths {
  readonly data: string;
  readonly database: string;
  readonly certificates: string;
  readonly tokenFile: string;
  readonly pidFile: string;
  readonly agent: string;
  readonly images: string;
  readonly staticPods: string;
  /** Sockets and state that must not survive a reboot. */
  readonly run: string;
  /** Volumes of pods: what CSI drivers and log agents expect at /var/lib/kubelet. */
  readonly kubelet: string;
  readonly podLogs: string;
  readonly containerLogs: string;
  readonly containerdSocket: string;
  /** Which addresses of the node's range are taken. */
  readonly cniState: string;
}

export function pathsOf(config: Pick<Config, 'data-dir' | 'pod-manifest-path'>): Paths {
  const data = config['data-dir'];
  const server = join(data, 'server');
  const agent = join(data, 'agent');
  // The usual folder for the usual data folder; another data folder gets its own, so that two clusters on a machine do not meet.
  const isUsual = data === '/var/lib/wherry';
  const run = isUsual ? '/run/wherry' : join(data, 'run');
  return {
    data,
    database: join(server, 'db', 'state.db'),
    certificates: join(server, 'tls'),
    tokenFile: join(server, 'token'),
    pidFile: join(data, 'wherry.pid'),
    agent,
    images: join(agent, 'images'),
    staticPods: config['pod-manifest-path'] || join(agent, 'pod-manifests'),
    run,
    // The standard places for the usual data folder; pods of another cluster on this machine have theirs below it.
    kubelet: isUsual ? '/var/lib/kubelet' : join(data, 'kubelet'),
    podLogs: isUsual ? '/var/log/pods' : join(data, 'log', 'pods'),
    containerLogs: isUsual ? '/var/log/containers' : join(data, 'log', 'containers'),
    cniState: join(agent, 'cni'),
    containerdSocket: join(run, 'containerd', 'containerd.sock'),
  };
}
