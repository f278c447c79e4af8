import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints, Pod, Service } from '#api';
import {
  addressTypesOf,
  familyOf,
  hostnameOf,
  isEndpoint,
  isHeadless,
  isPublished,
  podAddresses,
  targetPortOf,
} from './addresses.ts';

/** Upstream's limit of the Endpoints API; more addresses are only in EndpointSlices. */
const maxAddresses = 1000;
const overCapacity = 'endpoints.kubernetes.io/over-capacity';
const headlessLabel = 'service.kubernetes.io/headless';
const managedLabel = 'endpoints.kubernetes.io/managed-by';

/** The Endpoints of a service: addresses of its first family, grouped by the ports that their pods have. */
export function planEndpoints(service: Service, pods: readonly Pod[], old: Endpoints | undefined): Endpoints {
  const groups = new Map<string, EndpointSubset>();
  const [type] = addressTypesOf(service);
  const { publishNotReadyAddresses = false, ports = [] } = service.spec ?? {};
  const kept = limit(
    service,
    pods.filter(pod => isEndpoint(pod, publishNotReadyAddresses)),
  );
  for (const pod of kept.pods) {
    const ip = podAddresses(pod).find(address => familyOf(address) === type);
    const podPorts = portsOf(pod, service);
    if (!ip || (ports.length && !podPorts.length)) continue;
    const key = JSON.stringify(podPorts);
    const group = groups.get(key) ?? groups.set(key, podPorts.length ? { ports: podPorts } : {}).get(key)!;
    const list = isPublished(service, pod) ? 'addresses' : 'notReadyAddresses';
    group[list] = [...(group[list] ?? []), addressOf(pod, ip, service)];
  }
  const subsets = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => sorted(group));
  return { ...old, metadata: metadataOf(service, old, kept.truncated), subsets };
}

function limit(service: Service, pods: readonly Pod[]): { pods: readonly Pod[]; truncated: boolean } {
  if (pods.length <= maxAddresses) return { pods, truncated: false };
  const readyFirst = [...pods].sort((a, b) => Number(isPublished(service, b)) - Number(isPublished(service, a)));
  return { pods: readyFirst.slice(0, maxAddresses), truncated: true };
}

function portsOf(pod: Pod, { spec }: Service): EndpointPort[] {
  return (spec?.ports ?? []).flatMap(port => {
    const target = targetPortOf(pod, port);
    if (target === undefined) return [];
    const { name, protocol = 'TCP', appProtocol } = port;
    return [{ ...(name ? { name } : {}), port: target, protocol, ...(appProtocol ? { appProtocol } : {}) }];
  });
}

function addressOf(pod: Pod, ip: string, service: Service): EndpointAddress {
  const { namespace, name, uid } = pod.metadata;
  const hostname = hostnameOf(pod, service);
  return {
    ip,
    ...(hostname ? { hostname } : {}),
    nodeName: pod.spec.nodeName,
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}

function sorted(subset: EndpointSubset): EndpointSubset {
  const byIp = (a: EndpointAddress, b: EndpointAddress) => (a.ip < b.ip ? -1 : 1);
  const { addresses, notReadyAddresses, ports } = subset;
  return {
    ...(addresses ? { addresses: addresses.sort(byIp) } : {}),
    ...(notReadyAddresses ? { notReadyAddresses: notReadyAddresses.sort(byIp) } : {}),
    ...(ports ? { ports } : {}),
  };
}

function metadataOf(service: Service, old: Endpoints | undefined, truncated: boolean): Endpoints['metadata'] {
  const { name, namespace, labels } = service.metadata;
  const annotations = { ...old?.metadata.annotations };
  if (truncated) annotations[overCapacity] = 'truncated';
  else delete annotations[overCapacity];
  return {
    ...old?.metadata,
    ...{ name, namespace, annotations },
    labels: {
      ...labels,
      ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
      [managedLabel]: 'endpoint-controller',
    },
  };
}
