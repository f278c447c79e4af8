import type { ComponentDeps } from '#client';
import type { Exec, Nft, Sysctl } from '#host';

export interface ProxyConfig {
  /** Name of the Node object of this machine: which endpoints and pods are local. */
  nodeName: string;
  /** Addresses of the Node object; a load balancer that lets these in lets this node in. */
  nodeIps: readonly string[];
  /** The ranges that hold the pods of all nodes: what comes from elsewhere to a cluster IP is masqueraded. Empty: nothing is. */
  clusterCidrs: readonly string[];
  /**
   * Node ports and host ports answer on 127.0.0.1 too; true unless told. It sets `net.ipv4.conf.all.route_localnet`, behind rules of our own that drop
   * what the kernel then no longer drops: packets from and to 127.0.0.0/8 on any device but `lo`.
   */
  localhostPorts?: boolean | undefined;
}

export interface ProxyDeps extends ComponentDeps {
  nft: Nft;
  exec: Exec;
  sysctl: Sysctl;
}

/** The table of this room in the family ip. */
export const tableName = 'wherry-proxy';
export const table = `ip ${tableName}`;
export const routeLocalnet = 'net.ipv4.conf.all.route_localnet';
/** Our bit of the packet mark, the same as kube-proxy's: from service rules to postrouting, and gone after it. */
export const masqueradeMark = '0x4000';
