import type { ContainerPort, Pod, Service, ServicePort } from '#api';
import { isFinished, isReady } from '../pods.ts';

export type AddressType = 'IPv4' | 'IPv6';

/** The port of a pod that a service port means; undefined when the pod has no port of that name. */
export function targetPortOf(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target || port.port;
  const { containers, initContainers = [] } = pod.spec;
  const sidecars = initContainers.filter(container => container.restartPolicy === 'Always');
  const isTarget = (one: ContainerPort) => one.name === target && (one.protocol ?? 'TCP') === (port.protocol ?? 'TCP');
  return [...containers, ...sidecars].flatMap(container => container.ports ?? []).find(isTarget)?.containerPort;
}

/** Neither finished nor without an address; pods that are being deleted only when wanted. */
export function isEndpoint(pod: Pod, includeTerminating: boolean): boolean {
  if (isFinished(pod) || !podAddresses(pod).length) return false;
  return includeTerminating || !pod.metadata.deletionTimestamp;
}

export function podAddresses({ status }: Pod): string[] {
  const all = (status?.podIPs ?? []).map(({ ip }) => ip).filter(ip => ip !== undefined && ip !== '');
  return all.length ? (all as string[]) : status?.podIP ? [status.podIP] : [];
}

export const familyOf = (address: string): AddressType => (address.includes(':') ? 'IPv6' : 'IPv4');

/** Address types that a service has. */
export function addressTypesOf({ spec }: Service): AddressType[] {
  const families = spec?.ipFamilies?.length ? spec.ipFamilies : [familyOf(spec?.clusterIP ?? '')];
  return families.map(family => (family === 'IPv6' ? 'IPv6' : 'IPv4'));
}

export const isHeadless = ({ spec }: Service): boolean => spec?.clusterIP === 'None';

export const isPublished = (service: Service, pod: Pod): boolean =>
  service.spec?.publishNotReadyAddresses === true || isReady(pod);

/** The pod's own name below the service's, where it asks for one. */
export function hostnameOf(pod: Pod, service: Service): string | undefined {
  const { hostname, subdomain } = pod.spec;
  return hostname && subdomain === service.metadata.name ? hostname : undefined;
}

/** All of a pod that endpoints are made from: when this stays the same, nothing is to be done. */
export function endpointContent(pod: Pod): unknown {
  const { metadata, spec, status } = pod;
  const { labels, deletionTimestamp } = metadata;
  const gone = [isFinished(pod), deletionTimestamp !== undefined, isReady(pod)];
  return [labels, gone, spec.nodeName, spec.hostname, spec.subdomain, podAddresses(pod), status?.phase === undefined];
}
