import type { IPAddress, KubeObject, Resource, Service } from '#api';
import { resources } from '#api';
import type { Cidr, Random } from '#base';
import { isAlreadyExists } from '#client';
import { internalError } from '../access/refuse.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { ObjectReader } from '../reader.ts';
import { addressObject, isManaged, parentService } from './address-object.ts';
import { allocateAddresses, refuseAddress } from './allocate-addresses.ts';
import { allocatePorts } from './allocate-ports.ts';
import { type AllocationState, giveBack, type PortRange } from './allocation-state.ts';
import { createOwners } from './owners.ts';
import { portProblems } from './port-problems.ts';
import { settleFamilies } from './service-families.ts';
import { addressesOf, type Holding, holdingOf, serviceKey } from './service-holding.ts';
import { createServiceRanges } from './service-ranges.ts';

/** How IPAddresses are written; a Client fits. */
export interface AddressWriter {
  get<T extends KubeObject>(resource: Resource<T>, ref: { name: string }): Promise<T | undefined>;
  create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T>;
  delete<T extends KubeObject>(resource: Resource<T>, ref: { name: string }): Promise<unknown>;
}

export interface ServiceAllocatorOptions {
  readonly reader: ObjectReader;
  readonly random: Random;
  /** One range, or one of each family; the first is the default. ServiceCIDRs take their place, but for which families there are. */
  readonly serviceCidrs: readonly Cidr[];
  readonly nodePorts: PortRange;
  /** Undefined as long as nothing can be written: the objects are made later then (see startServiceAddresses). */
  writer?(): AddressWriter | undefined;
}

/** What is wrong with what is stored: found at start, for the log. */
export interface AllocationProblem {
  readonly service: string;
  readonly message: string;
}

export interface ServiceAllocator extends AdmissionPlugin, Disposable {
  mutate(request: AdmissionRequest): void;
  validate(request: AdmissionRequest): Promise<void> | undefined;
  release(request: AdmissionRequest): void;
  settle(request: AdmissionRequest): void;
  /** Addresses and ports of stored Services that are taken twice or lie outside the ranges. */
  problems(): AllocationProblem[];
}

/** What a write has taken, until the write is seen or given up. */
interface Pending extends Holding {
  readonly addresses: string[];
  readonly ports: number[];
  /** Addresses whose IPAddress it has made. */
  readonly made: string[];
}

interface State extends AllocationState {
  readonly foreign: Set<string>;
  readonly families: readonly ('IPv4' | 'IPv6')[];
  /** By `namespace/name`, as the reader shows them. */
  readonly stored: Map<string, Holding>;
  readonly pending: Map<AdmissionRequest, Pending>;
  writer(): AddressWriter | undefined;
}

/**
 * Gives Services their cluster addresses and node ports at write time, and makes the IPAddress of each address before the Service is stored. Stands last among the
 * plugins; `release` must be called when the write fails. What is stored is followed through the reader, so deletes and changes of type free what they held by
 * themselves, and a restart repairs everything. Dry runs take nothing.
 */
export function createServiceAllocator(options: ServiceAllocatorOptions): ServiceAllocator {
  const { reader, random, serviceCidrs, nodePorts } = options;
  const state: State = {
    ranges: createServiceRanges({ reader, configured: serviceCidrs, random }),
    addresses: createOwners(),
    foreign: new Set(),
    ports: createOwners(),
    nodePorts,
    random,
    families: serviceCidrs.map(({ family }) => (family === 4 ? 'IPv4' : 'IPv6')),
    stored: new Map(),
    pending: new Map(),
    writer: () => options.writer?.(),
  };
  const watched = [
    reader.onChange(resources.services, (service, deleted) => follow(state, service, deleted)),
    reader.onChange(resources.ipaddresses, (object, deleted) => followAddress(state, object, deleted)),
    state.ranges,
  ];
  return {
    name: 'ServiceAllocator',
    isLast: true,
    mutate: request => allocate(state, request),
    validate: request => makeObjects(state, request),
    release: request => release(state, request),
    settle: request => settle(state, request),
    problems: () => findProblems(state, reader),
    [Symbol.dispose]() {
      for (const one of watched) one[Symbol.dispose]();
    },
  };
}

/** Takes the stored state over; a pending write of the same Service is settled by it. */
function follow(state: State, service: Service, deleted: boolean): void {
  const key = serviceKey(service);
  const before = state.stored.get(key);
  if (before) giveBack(state, before, key);
  state.stored.delete(key);
  if (!deleted) {
    const holding = holdingOf(service);
    state.stored.set(key, holding);
    for (const address of holding.addresses) state.addresses.take(address, key);
    for (const port of holding.ports) state.ports.take(port, key);
  }
  for (const [request, taken] of state.pending) {
    // Read late: a generated name is only known after admission.
    const pendingKey = `${request.namespace ?? ''}/${request.object?.metadata.name ?? ''}`;
    if (pendingKey === key && contains(state.stored.get(key), taken)) settle(state, request);
  }
}

function contains(holding: Holding | undefined, part: Holding): boolean {
  if (!holding) return false;
  return (
    part.addresses.every(address => holding.addresses.includes(address)) &&
    part.ports.every(port => holding.ports.includes(port))
  );
}

/** Those of Services say nothing that the Services do not say. */
function followAddress({ foreign }: State, object: IPAddress, deleted: boolean): void {
  const isForeign = !deleted && !(isManaged(object) && parentService(object));
  if (isForeign) foreign.add(object.metadata.name);
  else foreign.delete(object.metadata.name);
}

function settle(state: State, request: AdmissionRequest): void {
  const taken = state.pending.get(request);
  state.pending.delete(request);
  if (taken) giveBack(state, taken, request);
}

function release(state: State, request: AdmissionRequest): void {
  const made = state.pending.get(request)?.made ?? [];
  settle(state, request);
  // What this does not reach is taken away a minute later, by startServiceAddresses.
  for (const name of made)
    void state
      .writer()
      ?.delete(resources.ipaddresses, { name })
      .catch(() => undefined);
}

function allocate(state: State, request: AdmissionRequest): void {
  const { kind, operation, subresource } = request;
  if (kind.resource !== 'services' || kind.group !== '' || subresource !== '') return;
  if (operation !== 'CREATE' && operation !== 'UPDATE') return;
  const service = request.object as unknown as Service;
  const old = operation === 'UPDATE' ? (request.old as unknown as Service | undefined) : undefined;
  const taken: Pending = { addresses: [], ports: [], made: [] };
  state.pending.set(request, taken);
  try {
    if (old) keepAllocated(service, old);
    settleFamilies(service, old, state.families);
    const task = { service, old, request, taken };
    allocateAddresses(state, task);
    allocatePorts(state, task);
  } catch (error) {
    settle(state, request);
    throw error;
  }
  if (request.dryRun) settle(state, request);
}

/** What a user leaves out of an update keeps what was given to it (upstream's patchAllocatedValues). */
function keepAllocated({ spec }: Service, { spec: before }: Service): void {
  const usesPorts = (type: string | undefined) => type === 'NodePort' || type === 'LoadBalancer';
  if (usesPorts(spec.type) && usesPorts(before.type)) {
    const named = new Set((spec.ports ?? []).flatMap(port => port.nodePort || []));
    for (const port of spec.ports ?? []) {
      if (port.nodePort) continue;
      const same = before.ports?.find(other => other.port === port.port && other.protocol === port.protocol);
      if (same?.nodePort && !named.has(same.nodePort)) port.nodePort = same.nodePort;
    }
  }
  if (before.healthCheckNodePort && spec.externalTrafficPolicy === 'Local' && spec.type === 'LoadBalancer') {
    spec.healthCheckNodePort ||= before.healthCheckNodePort;
  }
}

/** The IPAddresses of what was newly taken: now the Service has its name. */
function makeObjects(state: State, request: AdmissionRequest): Promise<void> | undefined {
  const taken = state.pending.get(request);
  const writer = state.writer();
  if (!taken?.addresses.length || !writer) return undefined;
  return Promise.all(taken.addresses.map(address => makeObject(writer, address, { request, taken }))).then(() => {});
}

async function makeObject(
  writer: AddressWriter,
  address: string,
  { request, taken }: { request: AdmissionRequest; taken: Pending },
): Promise<void> {
  const { metadata } = request.object as unknown as Service;
  const service = { metadata: { ...metadata, namespace: metadata.namespace ?? request.namespace } };
  try {
    await writer.create(resources.ipaddresses, addressObject(address, service));
    taken.made.push(address);
  } catch (error) {
    if (!isAlreadyExists(error)) throw internalError(`failed to allocate a serviceIP: ${(error as Error).message}`);
    const present = await writer.get(resources.ipaddresses, { name: address }).catch(() => undefined);
    // That of a Service that is gone, or of this one: put right when this one is there.
    if (!present || (isManaged(present) && parentService(present))) return;
    throw refuseAddress(metadata.name, address, { all: taken.addresses, why: 'provided IP is already allocated' });
  }
}

function findProblems(state: State, reader: ObjectReader): AllocationProblem[] {
  const services = reader.list(resources.services);
  const ports = portProblems(services, state.nodePorts);
  return services.flatMap(service => {
    const key = serviceKey(service);
    const texts: string[] = [];
    for (const address of addressesOf(service)) {
      if (!state.ranges.has(address)) texts.push(`the cluster IP ${address} is not within any configured Service CIDR`);
      else if (state.addresses.of(address)[0] !== key)
        texts.push(`the cluster IP ${address} is used by another service too`);
    }
    for (const problem of ports) if (problem.service === service) texts.push(problem.message);
    return texts.map(message => ({ service: key, message }));
  });
}
