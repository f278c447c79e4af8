import type { Endpoint, EndpointAddress, EndpointSlice, EndpointSlicePort, EndpointSubset, Endpoints } from '#api';
import { resources } from '#api';
import { equalContent } from '../hash.ts';
import { controllerRefTo } from '../owners.ts';
import { familyOf } from './addresses.ts';
import { managedByLabel, type SlicesPlan, serviceNameLabel } from './plan-slices.ts';

/** Upstream's --mirroring-max-endpoints-per-subset: the rest of a subset is not mirrored. */
const maxPerSubset = 1000;
export const mirrorManager = 'endpointslicemirroring-controller.k8s.io';
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
/** They tell of the Endpoints object itself, not of what it says. */
const ownAnnotations: readonly string[] = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'endpoints.kubernetes.io/last-change-trigger-time',
];

/** Not what another controller mirrors itself, and not what is only a lock. */
export function isMirrored({ metadata: { labels, annotations } }: Endpoints): boolean {
  return labels?.[skipLabel] !== 'true' && annotations?.[leaderAnnotation] === undefined;
}

/** How the mirrored slices become what the Endpoints say: one for each address family and set of ports. */
export function planMirror(endpoints: Endpoints, slices: readonly EndpointSlice[]): SlicesPlan {
  const plan: SlicesPlan = { create: [], update: [], remove: [] };
  const left = [...slices];
  for (const wanted of mirrorOf(endpoints)) {
    const isSame = (slice: EndpointSlice) =>
      slice.addressType === wanted.addressType && equalContent(slice.ports ?? [], wanted.ports ?? []);
    const at = left.findIndex(isSame);
    const [old] = at < 0 ? [] : left.splice(at, 1);
    if (!old) {
      plan.create.push(wanted);
      continue;
    }
    const { labels, annotations } = wanted.metadata;
    const next = { ...old, metadata: { ...old.metadata, labels, annotations }, endpoints: wanted.endpoints };
    if (!equalContent(next, { ...old, endpoints: old.endpoints ?? [] })) plan.update.push(next);
  }
  plan.remove.push(...left);
  return plan;
}

function mirrorOf(endpoints: Endpoints): EndpointSlice[] {
  const groups = new Map<string, EndpointSlice>();
  for (const subset of endpoints.subsets ?? []) {
    const ports = portsOf(subset);
    for (const endpoint of endpointsOf(subset)) {
      const addressType = familyOf(endpoint.addresses[0]!);
      const key = JSON.stringify([addressType, ports]);
      const slice = groups.get(key) ?? { metadata: metadataOf(endpoints), addressType, ports, endpoints: [] };
      slice.endpoints!.push(endpoint);
      groups.set(key, slice);
    }
  }
  return [...groups.values()];
}

const portsOf = ({ ports = [] }: EndpointSubset): EndpointSlicePort[] =>
  ports.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
    ...{ name, port, protocol },
    ...(appProtocol && { appProtocol }),
  }));

function endpointsOf({ addresses = [], notReadyAddresses = [] }: EndpointSubset): Endpoint[] {
  const toEndpoint = ({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint => ({
    addresses: [ip],
    conditions: { ready },
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    ...(targetRef && { targetRef }),
  });
  const all = [
    ...addresses.map(address => toEndpoint(address, true)),
    ...notReadyAddresses.map(address => toEndpoint(address, false)),
  ];
  return all.slice(0, maxPerSubset);
}

function metadataOf(endpoints: Endpoints): EndpointSlice['metadata'] {
  const { name, namespace, labels, annotations } = endpoints.metadata;
  const copied = Object.entries(annotations ?? {}).filter(([key]) => !ownAnnotations.includes(key));
  return {
    ...{ name: '', generateName: `${name}-`, namespace },
    labels: { ...labels, [serviceNameLabel]: name, [managedByLabel]: mirrorManager },
    ...(copied.length > 0 && { annotations: Object.fromEntries(copied) }),
    ownerReferences: [controllerRefTo(resources.endpoints, endpoints)],
  };
}
