import type { EndpointSlice, Endpoint as SliceEndpoint } from '#api';
import type { Protocol, ServicePortSpec } from './service-ports.ts';
import { isExternal, isIpv4 } from './service-ports.ts';

export interface Endpoint {
  address: string;
  port: number;
  /** On this node. */
  isLocal: boolean;
  isReady: boolean;
  isServing: boolean;
  isTerminating: boolean;
}

export interface EndpointChoice {
  /** For traffic that may go to any node. */
  cluster: readonly Endpoint[];
  /** For traffic that must stay on this node. */
  local: readonly Endpoint[];
  /** Both, each once. */
  all: readonly Endpoint[];
  /** Some node could serve it: decides between "rejected" and "dropped here". */
  hasAny: boolean;
}

/** The IPv4 endpoints behind a port of a Service, each address and port once, in the order of their text. */
export function endpointsOf(
  slices: readonly EndpointSlice[],
  wanted: { portName: string; protocol: Protocol; nodeName: string },
): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4') continue;
    for (const { name = '', protocol = 'TCP', port } of slice.ports ?? []) {
      if (name !== wanted.portName || protocol.toLowerCase() !== wanted.protocol || !port) continue;
      for (const one of slice.endpoints ?? []) {
        const endpoint = toEndpoint(one, port, wanted.nodeName);
        // While a pod moves from one slice to another it is in both; the one that knows its node is right.
        if (endpoint && (endpoint.isLocal || !found.has(keyOf(endpoint)))) found.set(keyOf(endpoint), endpoint);
      }
    }
  }
  return [...found.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/**
 * Which endpoints traffic goes to: the ready ones, and while there are none those that still serve although they terminate (KEP-1669); apart for each
 * traffic policy, as upstream.
 */
export function chooseEndpoints(endpoints: readonly Endpoint[], port: ServicePortSpec): EndpointChoice {
  const usesCluster = !port.isInternalLocal || isExternal(port);
  const usesLocal = port.isInternalLocal || (port.isExternalLocal && isExternal(port));
  const usable = preferReady(endpoints);
  const cluster = usesCluster ? usable : [];
  const local = usesLocal ? preferReady(endpoints.filter(({ isLocal }) => isLocal)) : [];
  return { cluster, local, all: [...new Set([...cluster, ...local])], hasAny: usable.length > 0 };
}

/** `10.42.0.7:8080`. */
export function keyOf({ address, port }: Endpoint): string {
  return `${address}:${port}`;
}

function preferReady(endpoints: readonly Endpoint[]): Endpoint[] {
  const ready = endpoints.filter(({ isReady }) => isReady);
  return ready.length ? ready : endpoints.filter(({ isServing, isTerminating }) => isServing && isTerminating);
}

function toEndpoint(
  { addresses, conditions, nodeName }: SliceEndpoint,
  port: number,
  here: string,
): Endpoint | undefined {
  // Only the first address has a meaning (EndpointSlice API).
  const [address = ''] = addresses;
  if (!isIpv4(address)) return undefined;
  return {
    ...{ address, port, isLocal: nodeName === here },
    // Unknown counts as ready and serving.
    isReady: conditions?.ready !== false,
    isServing: conditions?.serving !== false,
    isTerminating: conditions?.terminating === true,
  };
}
