import type { Endpoint } from './endpoints.ts';
import type { ServicePortSpec } from './service-ports.ts';

/** Fixed chains that the chains of Services go to. */
export const markChain = 'mark-for-masquerade';
export const rejectChain = 'reject-chain';

/**
 * Names of chains and sets: what they are for, then what for whom. Namespaces, Services and ports have at most 63 characters each and an IPv4 address
 * with its port 21, so that the kernel's 255 are never reached and nothing needs to be cut or hashed.
 */
export type PortChain = 'service' | 'local' | 'external' | 'firewall';

export function portChainName(kind: PortChain, port: ServicePortSpec): string {
  return `${kind}-${portText(port)}`;
}

export function endpointChainName(port: ServicePortSpec, { address, port: number }: Endpoint): string {
  return `endpoint-${portText(port)}__${address}/${number}`;
}

export function affinitySetName(port: ServicePortSpec, { address, port: number }: Endpoint): string {
  return `affinity-${portText(port)}__${address}/${number}`;
}

function portText({ namespace, service, protocol, portName }: ServicePortSpec): string {
  // The API admits nothing else; were it to, one bad name must not make nft refuse the rules of all the others.
  return [namespace, service, protocol, portName].join('/').replaceAll(/[^\w./-]/g, '_');
}
