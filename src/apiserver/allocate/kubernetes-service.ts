import type { EndpointSlice, Endpoints, Service } from '#api';
import { resources } from '#api';
import { addressFamily, type Cidr, cidrAddress } from '#base';
import { type BootstrapWriter, ensureObject } from '../access/bootstrap-writer.ts';

export interface KubernetesServiceOptions {
  readonly serviceCidr: Cidr;
  /** Where the API servers are reached, from nodes and pods; at least one. */
  readonly servers: readonly { readonly address: string; readonly port: number }[];
}

const name = 'kubernetes';
const namespace = 'default';

/** The Service address under which pods reach the API: the first of the range (10.43.0.1). */
export function kubernetesServiceAddress(serviceCidr: Cidr): string {
  return cidrAddress(serviceCidr, 1);
}

/**
 * Makes, or puts right, the Service default/kubernetes with its Endpoints and EndpointSlice. Call it at start and whenever the server's address changes;
 * the namespace must exist. Rejects when a write fails for another reason than a race.
 */
export async function ensureKubernetesService(
  writer: BootstrapWriter,
  options: KubernetesServiceOptions,
): Promise<void> {
  await ensureObject(writer, {
    resource: resources.services,
    object: kubernetesService(options),
    merge: (present, wanted) => {
      const isRight = JSON.stringify(portsOf(present)) === JSON.stringify(portsOf(wanted));
      // The address stays what it is: it cannot be changed, only given by making the Service anew.
      return isRight ? undefined : { ...present, spec: { ...present.spec, ports: wanted.spec.ports } };
    },
  });
  await ensureObject(writer, {
    resource: resources.endpoints,
    object: endpoints(groupByPort(options)),
    merge: (present, wanted) =>
      JSON.stringify(present.subsets) === JSON.stringify(wanted.subsets)
        ? undefined
        : { ...present, subsets: wanted.subsets },
  });
  await ensureObject(writer, {
    resource: resources.endpointslices,
    object: endpointSlice(groupByPort(options)[0]!),
    merge: (present, wanted) => {
      const shape = (slice: EndpointSlice) =>
        JSON.stringify([slice.endpoints?.map(({ addresses }) => addresses), slice.ports]);
      return shape(present) === shape(wanted)
        ? undefined
        : { ...present, endpoints: wanted.endpoints, ports: wanted.ports };
    },
  });
}

function portsOf(service: Service): unknown {
  return (service.spec.ports ?? []).map(port => [port.name, port.port, port.protocol, port.targetPort]);
}

interface PortGroup {
  readonly port: number;
  /** Sorted. */
  readonly addresses: readonly string[];
}

/** The port that most servers have comes first: it is the one of the slice, which has only one. Whoever computes it comes to the same. */
function groupByPort({ servers }: KubernetesServiceOptions): PortGroup[] {
  const groups = Map.groupBy(servers, ({ port }) => port);
  return [...groups]
    .map(([port, members]) => ({ port, addresses: members.map(({ address }) => address).sort() }))
    .sort((a, b) => b.addresses.length - a.addresses.length || a.port - b.port);
}

function kubernetesService(options: KubernetesServiceOptions): Service {
  const { serviceCidr } = options;
  const { port } = groupByPort(options)[0]!;
  const clusterIP = kubernetesServiceAddress(serviceCidr);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilyPolicy: 'SingleStack',
      ipFamilies: [serviceCidr.family === 4 ? 'IPv4' : 'IPv6'],
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: 'None',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
    },
  };
}

function endpoints(groups: readonly PortGroup[]): Endpoints {
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    // The slice is written beside it, so nothing needs to mirror it.
    metadata: { name, namespace, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: groups.map(({ addresses, port }) => ({
      addresses: addresses.map(ip => ({ ip })),
      ports: [{ name: 'https', port, protocol: 'TCP' }],
    })),
  };
}

function endpointSlice({ addresses, port }: PortGroup): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: addressFamily(addresses[0]!) === 6 ? 'IPv6' : 'IPv4',
    endpoints: addresses.map(address => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  };
}
