import type { Pod } from '#api';
import type { ComponentDeps } from '#client';
import type { Cgroups, Mounts } from '#host';
import type { Cri } from '#wire';

/** All paths are absolute. Defaults are upstream's where upstream has the option. */
export interface KubeletConfig {
  nodeName: string;
  /** Addresses of this node, the first is the main one. */
  nodeIps: readonly string[];
  /** `v1.36.0`, shown in the node's status. */
  version: string;
  /** Where volumes and the like of pods lie: upstream's /var/lib/kubelet. */
  rootDir: string;
  /** /var/log/pods and /var/log/containers. */
  podLogsDir: string;
  containerLogsDir: string;
  /** Port of the node's own HTTPS server, for the node's status. */
  port: number;
  cgroupDriver: 'cgroupfs' | 'systemd';
  /** The group above all pods; default `/kubepods`. */
  cgroupRoot?: string | undefined;
  clusterDns: readonly string[];
  clusterDomain: string;
  /** The file whose servers pods with dnsPolicy Default use; default /etc/resolv.conf. */
  resolvConf?: string | undefined;
  maxPods: number;
  nodeLabels?: Readonly<Record<string, string>> | undefined;
  nodeTaints?: readonly { key: string; value?: string; effect: string }[] | undefined;
  staticPodDir?: string | undefined;
  /** The image that is never collected: it keeps the pods' namespaces. */
  pauseImage: string;
  serializeImagePulls: boolean;
  containerLogMaxSizeBytes: number;
  containerLogMaxFiles: number;
  imageGcHighPercent: number;
  imageGcLowPercent: number;
  eviction: EvictionThresholds;
}

/** Below these the node sheds pods; upstream's hard thresholds. */
export interface EvictionThresholds {
  memoryAvailableBytes: number;
  nodefsAvailablePercent: number;
  nodefsInodesFreePercent: number;
  imagefsAvailablePercent: number;
  pidAvailablePercent: number;
}

/** What a small installation changes nothing of. */
export const kubeletDefaults = {
  rootDir: '/var/lib/kubelet',
  podLogsDir: '/var/log/pods',
  containerLogsDir: '/var/log/containers',
  port: 10250,
  cgroupDriver: 'cgroupfs',
  cgroupRoot: '/kubepods',
  clusterDns: ['10.43.0.10'],
  clusterDomain: 'cluster.local',
  maxPods: 110,
  serializeImagePulls: false,
  containerLogMaxSizeBytes: 10 * 1024 * 1024,
  containerLogMaxFiles: 5,
  imageGcHighPercent: 85,
  imageGcLowPercent: 80,
  eviction: {
    memoryAvailableBytes: 100 * 1024 * 1024,
    nodefsAvailablePercent: 10,
    nodefsInodesFreePercent: 5,
    imagefsAvailablePercent: 15,
    pidAvailablePercent: 0,
  },
} as const satisfies Partial<KubeletConfig>;

export interface KubeletDeps extends ComponentDeps {
  cri: Cri;
  mounts: Mounts;
  cgroups: Cgroups;
  /** Runs after a pod's sandbox is up and before its first process: the network policy gate. A rejection is tried again. */
  beforeContainers?: ((pod: Pod, ips: readonly string[]) => Promise<void>) | undefined;
  /** Called when nothing of the pod runs any more, before its sandbox is removed. */
  afterPod?: ((pod: { uid: string; namespace: string; name: string }) => Promise<void>) | undefined;
  /** Yields whenever containers start or end, so that they need not be polled; absent: polled every second. */
  runtimeEvents?: ((signal: AbortSignal) => AsyncIterable<string>) | undefined;
}
