import { type EndpointSlice, resources, type Service } from '#api';
import type { Random } from '#base';
import type { ObjectReader } from '../reader.ts';

/** The port of a Service, as a webhook's configuration names it. */
export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/** Where to dial. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const dialled: readonly string[] = ['ClusterIP', 'NodePort', 'LoadBalancer'];

/**
 * A ready endpoint behind the port of a Service, one of several at random; for ExternalName the name itself. Throws an Error in the words of upstream's
 * resolver (apiserver/pkg/util/proxy) when there is none.
 */
export function resolveService(reader: ObjectReader, random: Random, about: ServicePort): Address {
  const { namespace, name, port } = about;
  const service = reader.get(resources.services, namespace, name);
  if (!service) throw new Error(`service "${name}" not found`);
  const type = service.spec.type ?? 'ClusterIP';
  if (type === 'ExternalName') return { host: service.spec.externalName ?? '', port };
  if (!dialled.includes(type)) throw new Error(`unsupported service type "${type}"`);
  const portName = portNameOf(service, port);
  const ready = reader
    .list(resources.endpointslices, namespace)
    .filter(slice => slice.metadata.labels?.['kubernetes.io/service-name'] === name)
    .flatMap(slice => readyOf(slice, portName));
  const chosen = ready[Math.floor(random.next() * ready.length)];
  if (!chosen) throw new Error(`no endpoints available for service "${name}"`);
  return chosen;
}

function portNameOf(service: Service, port: number): string {
  const found = service.spec.ports?.find(entry => entry.port === port);
  if (!found) throw new Error(`no service port ${port} found for service "${service.metadata.name}"`);
  return found.name ?? '';
}

function readyOf(slice: EndpointSlice, portName: string): Address[] {
  const port = slice.ports?.find(entry => (entry.name ?? '') === portName)?.port;
  if (!port) return [];
  return (slice.endpoints ?? [])
    .filter(endpoint => endpoint.conditions?.ready !== false)
    .flatMap(endpoint => endpoint.addresses.map(host => ({ host, port })));
}
