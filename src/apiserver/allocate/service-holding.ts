import type { Service } from '#api';
import { canonicalAddress } from './address-range.ts';

/** What one Service, or one write on its way, holds. */
export interface Holding {
  /** In canonical form. */
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
}

/** `namespace/name`. */
export function serviceKey({ metadata }: Service): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

export function holdingOf(service: Service): Holding {
  return { addresses: addressesOf(service), ports: nodePortsOf(service) };
}

/** Cluster addresses; none for headless and external Services. */
export function addressesOf({ spec }: Service): string[] {
  if (spec.type === 'ExternalName') return [];
  const given = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  return given.flatMap(address => canonicalAddress(address) ?? []);
}

/** Node ports, that of the health check too, each once. */
export function nodePortsOf({ spec }: Service): number[] {
  const ports = (spec.ports ?? []).flatMap(port => port.nodePort || []);
  return [...new Set(spec.healthCheckNodePort ? [...ports, spec.healthCheckNodePort] : ports)];
}
