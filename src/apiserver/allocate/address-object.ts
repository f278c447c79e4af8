import type { IPAddress, Service } from '#api';
import { familyOf } from './address-range.ts';

/** Upstream's name for who makes IPAddresses of Services. */
const managerName = 'ipallocator.k8s.io';
const managedBy = 'ipaddress.kubernetes.io/managed-by';
const ipFamily = 'ipaddress.kubernetes.io/ip-family';

/** The IPAddress that says that the address is the Service's. `address` in canonical form. */
export function addressObject(address: string, { metadata }: Pick<Service, 'metadata'>): IPAddress {
  const { namespace = '', name } = metadata;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: { name: address, labels: { [ipFamily]: familyOf(address), [managedBy]: managerName } },
    spec: { parentRef: { resource: 'services', namespace, name } },
  };
}

/** Made by an allocator of Services, ours or upstream's. */
export function isManaged({ metadata }: IPAddress): boolean {
  return metadata.labels?.[managedBy] === managerName;
}

export function hasRightLabels(object: IPAddress): boolean {
  return isManaged(object) && object.metadata.labels?.[ipFamily] === familyOf(object.metadata.name);
}

/** `namespace/name` of the Service for which an address is kept; undefined when it is kept for something else. */
export function parentService({ spec }: IPAddress): string | undefined {
  const parent = spec?.parentRef;
  if (!parent || parent.group || parent.resource !== 'services') return undefined;
  return `${parent.namespace ?? ''}/${parent.name}`;
}
