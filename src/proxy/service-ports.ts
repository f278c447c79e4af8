import type { Service } from '#api';
import { addressFamily, parseCidr } from '#base';

export type Protocol = 'tcp' | 'udp' | 'sctp';

/** One port of a Service, as far as packets are concerned. Addresses are IPv4. */
export interface ServicePortSpec {
  namespace: string;
  service: string;
  /** Empty for the only port of a Service without port names. */
  portName: string;
  protocol: Protocol;
  clusterIp: string;
  port: number;
  nodePort: number | undefined;
  externalIps: readonly string[];
  /** Load balancer addresses whose packets come here unchanged (ipMode VIP). */
  loadBalancerIps: readonly string[];
  /** Empty: everybody. */
  sourceRanges: readonly string[];
  /** How long a client stays with its endpoint; undefined: no affinity. */
  affinitySeconds: number | undefined;
  isExternalLocal: boolean;
  isInternalLocal: boolean;
}

/** Services that carry it are another proxy's (KEP-2447). */
const proxyNameLabel = 'service.kubernetes.io/service-proxy-name';
/** The API's default for ClientIP. */
const defaultAffinitySeconds = 10_800;

/** The IPv4 cluster address; undefined for headless and ExternalName Services and those of IPv6 only. */
export function clusterIpOf({ spec }: Service): string | undefined {
  if (!spec || spec.type === 'ExternalName') return undefined;
  return [spec.clusterIP ?? '', ...(spec.clusterIPs ?? [])].find(isIpv4);
}

/** True when somebody else answers at the cluster address. */
export function isForeign({ metadata }: Service): boolean {
  return metadata.labels?.[proxyNameLabel] !== undefined;
}

/** What is to be served, port by port; nothing for Services that are not ours to serve. */
export function servicePortsOf(service: Service): ServicePortSpec[] {
  const { metadata, spec } = service;
  const clusterIp = clusterIpOf(service);
  if (!clusterIp || isForeign(service)) return [];
  const externalIps = (spec.externalIPs ?? []).filter(isIpv4);
  const isReachable = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || externalIps.length > 0;
  const shared = {
    namespace: metadata.namespace ?? '',
    service: metadata.name,
    clusterIp,
    externalIps,
    loadBalancerIps: loadBalancerIpsOf(service),
    sourceRanges: sourceRangesOf(service),
    affinitySeconds: affinitySecondsOf(service),
    isExternalLocal: isReachable && spec.externalTrafficPolicy === 'Local',
    isInternalLocal: spec.internalTrafficPolicy === 'Local',
  };
  return (spec.ports ?? []).map(({ name = '', protocol = 'TCP', port, nodePort }) => ({
    ...shared,
    portName: name,
    protocol: protocol.toLowerCase() as Protocol,
    port,
    nodePort: nodePort || undefined,
  }));
}

/** Reachable at more than the cluster address. */
export function isExternal({ nodePort, externalIps, loadBalancerIps }: ServicePortSpec): boolean {
  return nodePort !== undefined || externalIps.length > 0 || loadBalancerIps.length > 0;
}

export function isIpv4(address: string): boolean {
  return addressFamily(address) === 4;
}

function loadBalancerIpsOf({ status }: Service): string[] {
  const ingress = status?.loadBalancer?.ingress ?? [];
  return ingress.flatMap(({ ip = '', ipMode = 'VIP' }) => (isIpv4(ip) && ipMode === 'VIP' ? [ip] : []));
}

function sourceRangesOf({ spec }: Service): string[] {
  // Validation lets spaces around a range pass.
  const ranges = (spec.loadBalancerSourceRanges ?? []).map(range => range.trim());
  return ranges.filter(range => parseCidr(range)?.family === 4);
}

function affinitySecondsOf({ spec }: Service): number | undefined {
  if (spec.sessionAffinity !== 'ClientIP') return undefined;
  return spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds;
}
