import type { IPAddress, Service } from '#api';
import { resources } from '#api';
import { type Client, type EventRecorder, isAlreadyExists, isNotFound, type QueueOutcome } from '#client';
import type { ObjectReader } from '../reader.ts';
import { addressObject, hasRightLabels, isManaged, parentService } from './address-object.ts';
import { familyOf } from './address-range.ts';
import { serviceKey } from './service-holding.ts';

export interface AddressDeps {
  readonly reader: ObjectReader;
  readonly client: Pick<Client, 'create' | 'delete'>;
  readonly events: EventRecorder;
  /** Services that have the address, the first first. */
  servicesWith(address: string): readonly Service[];
  /** Whether a ServiceCIDR has it. */
  isInRange(address: string): boolean;
  /** The Service (`namespace/name`) that was seen to let go of the address since this was last asked. */
  takeDropper(address: string): string | undefined;
  now(): number;
}

/** The time that a write of a Service may take: its IPAddress is there first. */
const graceMs = 60_000;

/**
 * Makes that an address of a Service has its IPAddress, and that one whose Service is gone goes. Complains with upstream's events. Source:
 * ipallocator/controller/repairip.go.
 */
export async function keepAddress(deps: AddressDeps, address: string): Promise<QueueOutcome> {
  const services = deps.servicesWith(address);
  const present = deps.reader.get(resources.ipaddresses, undefined, address);
  const dropper = deps.takeDropper(address);
  const [first] = services;
  if (!first) return present && isManaged(present) ? dropUnused(deps, present, dropper) : undefined;
  const cluster = `[${familyOf(address)}]`;
  if (!deps.isInRange(address)) {
    const message = `Cluster IP ${cluster}: ${address} is not within any configured Service CIDR; please recreate service`;
    for (const service of services) warn(deps, service, 'ClusterIPOutOfRange', message);
    return undefined;
  }
  const holder = present && services.find(service => serviceKey(service) === parentService(present));
  for (const service of services) {
    if (service === (holder ?? first)) continue;
    const message = `Cluster IP ${cluster}:${address} was assigned to multiple services; please recreate service`;
    warn(deps, service, 'ClusterIPAlreadyAllocated', message);
  }
  if (!present) {
    warn(deps, first, 'ClusterIPNotAllocated', `Cluster IP ${cluster}: ${address} is not allocated; repairing`);
    return make(deps, address, first);
  }
  if (holder && hasRightLabels(present)) return undefined;
  if (!holder && (dropper === undefined || dropper !== parentService(present))) {
    const subject = `the ClusterIP ${cluster}: ${address} for Service ${serviceKey(first)}`;
    warn(deps, first, 'ClusterIPNotAllocated', `${subject} has a wrong reference; repairing`);
  }
  await remove(deps, address);
  return make(deps, address, holder ?? first);
}

/** No Service has the address. */
async function dropUnused(deps: AddressDeps, object: IPAddress, dropper?: string): Promise<QueueOutcome> {
  const { name, creationTimestamp } = object.metadata;
  const parent = parentService(object);
  if (parent === undefined) {
    const subject = `IPAddress ${name} appears to have been modified, not referencing a Service`;
    warn(deps, object, 'IPAddressNotAllocated', `${subject} ${JSON.stringify(object.spec?.parentRef)}: cleaning up`);
    return remove(deps, name);
  }
  if (dropper === parent) return remove(deps, name);
  const afterMs = Date.parse(creationTimestamp ?? '') + graceMs - deps.now();
  if (afterMs > 0) return { afterMs };
  const [namespace, service] = parent.split('/');
  const isThere = deps.reader.get(resources.services, namespace, service ?? '') !== undefined;
  const subject = `IPAddress: ${name} for Service ${parent}`;
  if (isThere) warn(deps, object, 'IPAddressWrongReference', `${subject} has a wrong reference; cleaning up`);
  else warn(deps, object, 'IPAddressNotAllocated', `${subject} appears to have leaked: cleaning up`);
  return remove(deps, name);
}

function warn({ events }: AddressDeps, about: Service | IPAddress, reason: string, message: string): void {
  events.record(about, { type: 'Warning', reason, message });
}

async function make({ client }: AddressDeps, address: string, service: Service): Promise<undefined> {
  try {
    await client.create(resources.ipaddresses, addressObject(address, service));
  } catch (error) {
    // Another server was faster; what it made is looked at when it is seen.
    if (!isAlreadyExists(error)) throw error;
  }
}

async function remove({ client }: AddressDeps, name: string): Promise<undefined> {
  try {
    await client.delete(resources.ipaddresses, { name });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
