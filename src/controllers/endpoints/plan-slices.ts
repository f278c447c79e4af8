import type { Endpoint, EndpointSlice, EndpointSlicePort, Pod, Service } from '#api';
import { resources } from '#api';
import { equalContent } from '../hash.ts';
import { controllerRefTo } from '../owners.ts';
import { isReady } from '../pods.ts';
import type { AddressType } from './addresses.ts';
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

/** Upstream's --max-endpoints-per-slice. */
const maxPerSlice = 100;
export const serviceNameLabel = 'kubernetes.io/service-name';
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const manager = 'endpointslice-controller.k8s.io';
const headlessLabel = 'service.kubernetes.io/headless';

export interface SlicesInput {
  service: Service;
  pods: readonly Pod[];
  /** Slices of the service that this controller manages. */
  slices: readonly EndpointSlice[];
  zoneOf(nodeName: string): string | undefined;
}

export interface SlicesPlan {
  create: EndpointSlice[];
  update: EndpointSlice[];
  remove: EndpointSlice[];
}

/** How a service's slices become what its pods are, with as few writes as can be: endpoints stay in the slice that they are in. */
export function planSlices(input: SlicesInput): SlicesPlan {
  const { service, slices } = input;
  const plan: SlicesPlan = { create: [], update: [], remove: [] };
  const types = addressTypesOf(service);
  plan.remove.push(...slices.filter(slice => !types.includes(slice.addressType as AddressType)));
  for (const type of types) {
    const existing = slices.filter(slice => slice.addressType === type);
    const groups = groupByPorts(input, type);
    if (!groups.size) groups.set('[]', { ports: [], endpoints: [] });
    const used = new Set<EndpointSlice>();
    for (const { ports, endpoints } of groups.values()) {
      const same = existing.filter(slice => equalContent(sortPorts(slice.ports ?? []), sortPorts(ports)));
      for (const slice of same) used.add(slice);
      reconcile(plan, { service, type, ports, endpoints, existing: same, isOnly: groups.size === 1 });
    }
    plan.remove.push(...existing.filter(slice => !used.has(slice)));
  }
  return reuse(plan);
}

interface Group {
  ports: EndpointSlicePort[];
  endpoints: Endpoint[];
}

function groupByPorts({ service, pods, zoneOf }: SlicesInput, type: AddressType): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const pod of pods) {
    const address = podAddresses(pod).find(one => familyOf(one) === type);
    if (!address || !isEndpoint(pod, true)) continue;
    const ports = portsOf(pod, service);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? groups.set(key, { ports, endpoints: [] }).get(key)!;
    group.endpoints.push(endpointOf(pod, address, service, zoneOf));
  }
  return groups;
}

function portsOf(pod: Pod, { spec }: Service): EndpointSlicePort[] {
  return (spec?.ports ?? []).flatMap(port => {
    const target = targetPortOf(pod, port);
    if (target === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = port;
    return [{ name, port: target, protocol, ...(appProtocol ? { appProtocol } : {}) }];
  });
}

function endpointOf(pod: Pod, address: string, service: Service, zoneOf: SlicesInput['zoneOf']): Endpoint {
  const { namespace, name, uid, deletionTimestamp } = pod.metadata;
  const { nodeName } = pod.spec;
  const [zone, hostname] = [nodeName && zoneOf(nodeName), hostnameOf(pod, service)];
  const terminating = deletionTimestamp !== undefined;
  const published = service.spec?.publishNotReadyAddresses === true;
  return {
    addresses: [address],
    conditions: { ready: published || (isPublished(service, pod) && !terminating), serving: isReady(pod), terminating },
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(nodeName ? { nodeName } : {}),
    ...(zone ? { zone } : {}),
    ...(hostname ? { hostname } : {}),
  };
}

interface Reconciled extends Group {
  service: Service;
  type: AddressType;
  existing: readonly EndpointSlice[];
  /** The only group: keeps a slice even when it is empty. */
  isOnly: boolean;
}

function reconcile(plan: SlicesPlan, { service, type, ports, endpoints, existing, isOnly }: Reconciled): void {
  const wanted = new Map(endpoints.map(endpoint => [idOf(endpoint), endpoint]));
  const kept = existing.map(slice => {
    const mine = (slice.endpoints ?? []).flatMap(endpoint => {
      const next = wanted.get(idOf(endpoint));
      wanted.delete(idOf(endpoint));
      return next ? [next] : [];
    });
    return { slice, mine };
  });
  const rest = [...wanted.values()];
  // Slices that are written anyway are filled first, then the fullest others.
  const changed = ({ slice, mine }: (typeof kept)[number]) => mine.length !== (slice.endpoints ?? []).length;
  for (const one of [...kept].sort(
    (a, b) => Number(changed(b)) - Number(changed(a)) || b.mine.length - a.mine.length,
  )) {
    one.mine.push(...rest.splice(0, Math.max(0, maxPerSlice - one.mine.length)));
  }
  const fresh: Endpoint[][] = [];
  while (rest.length) fresh.push(rest.splice(0, maxPerSlice));
  if (isOnly && !fresh.length && kept.every(({ mine }) => !mine.length) && !kept.length) fresh.push([]);
  const keepEmpty = isOnly && !fresh.length && kept.every(({ mine }) => !mine.length) ? kept[0] : undefined;
  for (const one of kept) {
    if (!one.mine.length && one !== keepEmpty) plan.remove.push(one.slice);
    else {
      const next = { ...one.slice, metadata: metadataOf(service, one.slice), endpoints: one.mine };
      const old = { ...one.slice, endpoints: one.slice.endpoints ?? [] };
      if (!equalContent(next, old)) plan.update.push(next);
    }
  }
  for (const part of fresh)
    plan.create.push({ metadata: metadataOf(service), addressType: type, ports, endpoints: part });
}

const idOf = ({ addresses, targetRef }: Endpoint): string => `${addresses[0]}|${targetRef?.uid ?? ''}`;

const sortPorts = (ports: readonly EndpointSlicePort[]) =>
  [...ports].map(port => JSON.stringify([port.name ?? '', port.port, port.protocol ?? 'TCP', port.appProtocol])).sort();

/** Writes new content into slices that would be removed, instead of a deletion and a creation. */
function reuse({ create, update, remove }: SlicesPlan): SlicesPlan {
  const left = [...remove];
  const made: EndpointSlice[] = [];
  for (const slice of create) {
    const at = left.findIndex(old => old.addressType === slice.addressType);
    const [old] = at < 0 ? [] : left.splice(at, 1);
    if (!old) made.push(slice);
    else update.push({ ...slice, metadata: { ...old.metadata, labels: slice.metadata.labels ?? {} } });
  }
  return { create: made, update, remove: left };
}

function metadataOf(service: Service, slice?: EndpointSlice): EndpointSlice['metadata'] {
  const { name, namespace, labels } = service.metadata;
  const own = { [serviceNameLabel]: name, [managedByLabel]: manager };
  const { [headlessLabel]: _, ...inherited } = labels ?? {};
  const all = { ...inherited, ...(isHeadless(service) ? { [headlessLabel]: '' } : {}), ...own };
  if (slice) return { ...slice.metadata, labels: all };
  const ownerReferences = [controllerRefTo(resources.services, service)];
  return { name: '', generateName: `${name}-`, namespace, labels: all, ownerReferences };
}
