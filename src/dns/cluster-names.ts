import { addressFamily } from '#base';
import type { ClusterView, DnsEndpoint, DnsPort, DnsService } from './cluster-index.ts';

/** Version of the Kubernetes DNS specification whose names these are. */
export const schemaVersion = '1.1.0';

/** A port at a target, which has addresses: what SRV answers. */
export interface DnsTarget {
  /** Relative to the zone. */
  name: string;
  address: string;
  ports: readonly DnsPort[];
}

/** What stands under a name of the zone, before a type is asked for. */
export type Found =
  | { kind: 'targets'; targets: readonly DnsTarget[] }
  | { kind: 'alias'; to: string }
  | { kind: 'address'; addresses: readonly string[] }
  | { kind: 'text'; text: string }
  /** The zone itself. */
  | { kind: 'apex' }
  /** Exists only because something is below it. */
  | { kind: 'empty' };

export interface NamesOptions {
  view: ClusterView;
  /** Addresses of the name server itself. */
  serverAddresses: readonly string[];
}

/** Finds a name. `labels` is lower case, without the zone's; undefined is "no such name". */
export function findName(labels: readonly string[], options: NamesOptions): Found | undefined {
  const [last, ...before] = labels.toReversed();
  if (last === undefined) return { kind: 'apex' };
  if (last === 'svc') return findService(before, options.view);
  if (last === 'pod') return findPod(before, options.view);
  if (last === 'dns-version' && !before.length) return { kind: 'text', text: schemaVersion };
  if (last === 'dns') return findServer(before, options.serverAddresses);
  return undefined;
}

/** `ns.dns`: the name that NS and SOA give. */
function findServer([name, ...more]: readonly string[], addresses: readonly string[]): Found | undefined {
  if (name === undefined) return { kind: 'empty' };
  return name === 'ns' && !more.length ? { kind: 'address', addresses } : undefined;
}

/** `1-2-3-4.ns.pod`: any address in an existing namespace, whether a pod has it or not (CoreDNS' `pods insecure`). */
function findPod([namespace, dashed, ...more]: readonly string[], view: ClusterView): Found | undefined {
  if (namespace === undefined) return { kind: 'empty' };
  if (!view.hasNamespace(namespace) || more.length) return undefined;
  if (dashed === undefined) return { kind: 'empty' };
  const isFour = /^\d+-\d+-\d+-\d+$/.test(dashed);
  const address = dashed.replaceAll('-', isFour ? '.' : ':');
  return addressFamily(address) && !address.includes('%') ? { kind: 'address', addresses: [address] } : undefined;
}

function findService(path: readonly string[], view: ClusterView): Found | undefined {
  const [namespace, name, first, second, ...more] = path;
  if (namespace === undefined) return { kind: 'empty' };
  if (name === undefined) return view.hasNamespace(namespace) ? { kind: 'empty' } : undefined;
  // Not asked for the namespace too: its event may come after the service's.
  const service = view.service(namespace, name);
  if (!service || more.length) return undefined;
  if (service.externalName !== undefined) return first === undefined ? findAlias(service.externalName) : undefined;
  if (first === undefined) return toFound(targetsOf(service, view));
  if (first.startsWith('_')) return findPort(targetsOf(service, view), first, second);
  if (second !== undefined) return undefined;
  return toFound(view.endpointsByHostname(namespace, name, first).map(one => toTarget(service, one)));
}

/** An address is no target for an alias; CoreDNS answers such a service with "no such name" too. The API takes labels that DNS has no room for. */
function findAlias(to: string): Found | undefined {
  const isName = to.length <= 253 && /^[^.]{1,63}(\.[^.]{1,63})*$/.test(to);
  return isName && !addressFamily(to) ? { kind: 'alias', to } : undefined;
}

/** `_port._proto` before a service; `_proto` alone exists where something is below it. */
function findPort(targets: readonly DnsTarget[], protocol: string, port: string | undefined): Found | undefined {
  const isAsked = (one: DnsPort) =>
    `_${one.protocol}` === protocol && one.name !== '' && (port === undefined || `_${one.name}` === port);
  const found = targets
    .map(target => ({ ...target, ports: target.ports.filter(isAsked) }))
    .filter(({ ports }) => ports.length);
  if (!found.length) return undefined;
  return port === undefined ? { kind: 'empty' } : { kind: 'targets', targets: found };
}

function targetsOf(service: DnsService, view: ClusterView): DnsTarget[] {
  const { namespace, name } = service;
  if (service.isHeadless) return view.endpoints(namespace, name).map(one => toTarget(service, one));
  return service.clusterIps.map(address => ({ name: `${name}.${namespace}.svc`, address, ports: service.ports }));
}

function toTarget({ namespace, name }: DnsService, { hostname, address, ports }: DnsEndpoint): DnsTarget {
  return { name: `${hostname}.${name}.${namespace}.svc`, address, ports };
}

/** A headless service without ready endpoints has no name (specification, 2.4.1). */
function toFound(targets: readonly DnsTarget[]): Found | undefined {
  return targets.length ? { kind: 'targets', targets } : undefined;
}
