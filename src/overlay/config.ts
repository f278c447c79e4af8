import type { ComponentDeps } from '#client';
import type { Ip, Nft, Sysctl } from '#host';

export interface OverlayConfig {
  /** Name of the Node object of this machine. */
  nodeName: string;
  /** The address under which the other nodes reach this one; some device of this machine has it. */
  nodeIp: string;
  /** The ranges that hold the pods of all nodes; traffic inside them keeps its source address. */
  clusterCidrs: readonly string[];
  /** Where containerd looks for network configuration. Made when missing. */
  cniConfDir: string;
  /** Where the CNI plugins are; ptp and host-local must be in one of them. */
  cniBinDirs: readonly string[];
  /** Where host-local notes which addresses are given out, in a folder named after the network. */
  cniStateDir: string;
}

export interface OverlayDeps extends ComponentDeps {
  ip: Ip;
  nft: Nft;
  sysctl: Sysctl;
}

export const tunnelDevice = 'wherry.vxlan';
/** The table of this room in the family inet. */
export const tableName = 'wherry-overlay';
export const networkName = 'wherry';
/** Sorted before what other networks leave behind: containerd takes the first. */
export const conflistName = '10-wherry.conflist';

/** The same as K3s' flannel: what firewalls are open for. */
export const vni = 1;
export const vxlanPort = 8472;

/** Ethernet, IP, UDP and VXLAN headers around a packet of a pod, by the family of the node addresses. */
export const tunnelOverheadBytes = { 4: 50, 6: 70 } as const;
