import type { EndpointSlice, Namespace, Service } from '#api';
import type { InformerEvent } from '#client';

/** A port that has a name, or none (`undefined` number: the endpoint has an address but offers no port). */
export interface DnsPort {
  name: string;
  /** Lower case: `tcp`. */
  protocol: string;
  port: number | undefined;
}

/** A ready endpoint, one address. */
export interface DnsEndpoint {
  address: string;
  /** Lower case; the address with dashes where the endpoint has no hostname of its own. */
  hostname: string;
  ports: readonly DnsPort[];
}

export interface DnsService {
  namespace: string;
  name: string;
  /** Only for ExternalName, without the last dot. */
  externalName?: string | undefined;
  isHeadless: boolean;
  clusterIps: readonly string[];
  ports: readonly DnsPort[];
}

/** What DNS knows of the cluster. Every lookup is a step or two, whatever the size. */
export interface ClusterView {
  hasNamespace(name: string): boolean;
  service(namespace: string, name: string): DnsService | undefined;
  /** Ready endpoints of a service, in no order. */
  endpoints(namespace: string, name: string): DnsEndpoint[];
  endpointsByHostname(namespace: string, name: string, hostname: string): DnsEndpoint[];
  /** Names, without the zone, that an address stands for: `web.default.svc`, or `pod-0.web.default.svc` when it is an endpoint's. */
  namesOf(address: string): readonly string[];
  /** When anything changed last, seconds since 1970: the serial of the zones. */
  readonly serial: number;
}

export interface ClusterIndex extends ClusterView {
  onNamespace(event: InformerEvent<Namespace>): void;
  onService(event: InformerEvent<Service>): void;
  onSlice(event: InformerEvent<EndpointSlice>): void;
}

/** One slice as it stands in the index. */
interface IndexedSlice {
  serviceKey: string;
  byHostname: Map<string, DnsEndpoint[]>;
  all: DnsEndpoint[];
}

/** The index that informer events keep current; nothing is cached beside it, so an answer is never older than the informer. */
export function createClusterIndex(nowMs: () => number): ClusterIndex {
  const namespaces = new Set<string>();
  const services = new Map<string, DnsService>();
  const slices = new Map<string, IndexedSlice>();
  const slicesOf = new MultiMap<IndexedSlice>();
  const servicesByAddress = new MultiMap<string>();
  const endpointsByAddress = new MultiMap<string>();
  let serial = Math.floor(nowMs() / 1000);
  const touch = () => {
    serial = Math.floor(nowMs() / 1000);
  };
  const forgetService = (key: string) => {
    for (const address of services.get(key)?.clusterIps ?? []) servicesByAddress.delete(address, `${key}.svc`);
    services.delete(key);
  };
  const forgetSlice = (key: string) => {
    const old = slices.get(key);
    if (!old) return;
    slices.delete(key);
    slicesOf.delete(old.serviceKey, old);
    for (const one of old.all) endpointsByAddress.delete(one.address, nameOfEndpoint(old, one));
  };
  return {
    hasNamespace: name => namespaces.has(name),
    service: (namespace, name) => services.get(keyOf(namespace, name)),
    endpoints: (namespace, name) => slicesOf.get(keyOf(namespace, name)).flatMap(({ all }) => all),
    endpointsByHostname: (namespace, name, hostname) =>
      slicesOf.get(keyOf(namespace, name)).flatMap(({ byHostname }) => byHostname.get(hostname) ?? []),
    namesOf(address) {
      const own = servicesByAddress.get(address);
      return own.length ? own : endpointsByAddress.get(address);
    },
    get serial() {
      return serial;
    },
    onNamespace({ type, object }) {
      touch();
      if (type === 'deleted') namespaces.delete(object.metadata.name);
      else namespaces.add(object.metadata.name);
    },
    onService({ type, object }) {
      touch();
      const key = keyOf(object.metadata.namespace ?? '', object.metadata.name);
      forgetService(key);
      if (type === 'deleted') return;
      const service = toDnsService(object);
      services.set(key, service);
      for (const address of service.clusterIps) servicesByAddress.add(address, `${key}.svc`);
    },
    onSlice({ type, object }) {
      touch();
      const key = keyOf(object.metadata.namespace ?? '', object.metadata.name);
      forgetSlice(key);
      const slice = type === 'deleted' ? undefined : toIndexedSlice(object);
      if (!slice) return;
      slices.set(key, slice);
      slicesOf.add(slice.serviceKey, slice);
      for (const one of slice.all) endpointsByAddress.add(one.address, nameOfEndpoint(slice, one));
    },
  };
}

/** Values under a key, with a count each: two slices may give an address the same name. */
class MultiMap<V> {
  readonly #values = new Map<string, Map<V, number>>();

  get(key: string): V[] {
    return [...(this.#values.get(key)?.keys() ?? [])];
  }

  add(key: string, value: V): void {
    const counts = this.#values.get(key) ?? new Map<V, number>();
    counts.set(value, (counts.get(value) ?? 0) + 1);
    this.#values.set(key, counts);
  }

  delete(key: string, value: V): void {
    const counts = this.#values.get(key);
    const count = counts?.get(value) ?? 0;
    if (count > 1) counts!.set(value, count - 1);
    else counts?.delete(value);
    if (!counts?.size) this.#values.delete(key);
  }
}

/** As the names of DNS begin: service before namespace. */
function keyOf(namespace: string, name: string): string {
  return `${name}.${namespace}`;
}

function nameOfEndpoint({ serviceKey }: IndexedSlice, { hostname }: DnsEndpoint): string {
  return `${hostname}.${serviceKey}.svc`;
}

function toDnsService({ metadata, spec }: Service): DnsService {
  const isExternal = spec.type === 'ExternalName';
  const isHeadless = !isExternal && spec.clusterIP === 'None';
  const addresses = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? ''];
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    externalName: isExternal ? (spec.externalName ?? '').replace(/\.$/, '') : undefined,
    isHeadless,
    clusterIps: isExternal || isHeadless ? [] : addresses.filter(address => address !== ''),
    ports: (spec.ports ?? []).map(toDnsPort),
  };
}

/** Undefined for a slice that belongs to no service, or whose addresses are names (deprecated, without meaning to Kubernetes). */
function toIndexedSlice({ metadata, addressType, endpoints, ports }: EndpointSlice): IndexedSlice | undefined {
  const service = metadata.labels?.['kubernetes.io/service-name'];
  if (!service || addressType === 'FQDN') return undefined;
  const dnsPorts = (ports ?? []).map(toDnsPort);
  const all = (endpoints ?? [])
    // Unknown counts as ready; publishNotReadyAddresses is in the condition already (EndpointSlice API).
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses, hostname }) =>
      addresses.map(address => ({
        address,
        hostname: hostname?.toLowerCase() || address.replaceAll(/[.:]/g, '-'),
        ports: dnsPorts,
      })),
    );
  const byHostname = Map.groupBy(all, ({ hostname }) => hostname);
  return { serviceKey: keyOf(metadata.namespace ?? '', service), byHostname, all };
}

function toDnsPort(port: {
  name?: string | undefined;
  protocol?: string | undefined;
  port?: number | undefined;
}): DnsPort {
  return { name: port.name ?? '', protocol: (port.protocol ?? 'TCP').toLowerCase(), port: port.port };
}
