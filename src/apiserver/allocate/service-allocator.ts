import type { Service } from '#api';
import { resources } from '#api';
import { addressFamily, type Cidr, formatCidr, type Random } from '#base';
import { internalError, invalid } from '../access/refuse.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { ObjectReader } from '../reader.ts';
import { type AddressRange, createAddressRange } from './address-range.ts';
import { createNumberPool, type NumberPool, staticBandOf } from './number-pool.ts';
import { settleFamilies, wrong } from './service-families.ts';

export interface ServiceAllocatorOptions {
  readonly reader: ObjectReader;
  readonly random: Random;
  /** One range, or one of each family; the first is the default. */
  readonly serviceCidrs: readonly Cidr[];
  /** Both ends included. */
  readonly nodePorts: { readonly first: number; readonly last: number };
}

/** What is wrong with what is stored: found at start, for the log. */
export interface AllocationProblem {
  readonly service: string;
  readonly message: string;
}

export interface ServiceAllocator extends AdmissionPlugin, Disposable {
  mutate(request: AdmissionRequest): void;
  release(request: AdmissionRequest): void;
  settle(request: AdmissionRequest): void;
  /** Addresses and ports of stored Services that are taken twice or lie outside the ranges. */
  problems(): AllocationProblem[];
}

/** What one Service, or one write on its way, holds. */
interface Holding {
  readonly addresses: readonly { range: AddressRange; number: number }[];
  /** Offsets from the first node port. */
  readonly ports: readonly number[];
}

interface State {
  readonly ranges: readonly AddressRange[];
  readonly ports: NumberPool;
  readonly firstPort: number;
  /** By `namespace/name`, as the reader shows them. */
  readonly stored: Map<string, Holding>;
  /** By request, until the write is seen or given up. */
  readonly pending: Map<AdmissionRequest, Holding>;
}

const portBand = { share: 32, least: 16, most: 128 };

/**
 * Gives Services their cluster addresses and node ports at write time. Stands last among the plugins that mutate; `release` must be called when the write
 * fails. What is stored is followed through the reader, so deletes and changes of type free what they held by themselves,
 * and a restart repairs everything. Dry runs take nothing.
 */
export function createServiceAllocator(options: ServiceAllocatorOptions): ServiceAllocator {
  const size = options.nodePorts.last - options.nodePorts.first + 1;
  const state: State = {
    ranges: options.serviceCidrs.map(cidr => createAddressRange(cidr, options.random)),
    ports: createNumberPool({ size, staticBand: staticBandOf(size, portBand), random: options.random }),
    firstPort: options.nodePorts.first,
    stored: new Map(),
    pending: new Map(),
  };
  const watch = options.reader.onChange(resources.services, (service, deleted) => follow(state, service, deleted));
  const release = (request: AdmissionRequest) => {
    const taken = state.pending.get(request);
    state.pending.delete(request);
    if (taken) giveBack(state, taken, request);
  };
  return {
    name: 'ServiceAllocator',
    isLast: true,
    mutate: request => allocate(state, request, release),
    release,
    settle: release,
    problems: () => findProblems(state, options.reader),
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

function keyOf(service: Service): string {
  return `${service.metadata.namespace ?? ''}/${service.metadata.name}`;
}

/** Takes the stored state over; a pending write of the same Service is settled by it. */
function follow(state: State, service: Service, deleted: boolean): void {
  const key = keyOf(service);
  const before = state.stored.get(key);
  if (before) giveBack(state, before, key);
  state.stored.delete(key);
  if (!deleted) {
    const holding = holdingOf(state, service);
    state.stored.set(key, holding);
    for (const { range, number } of holding.addresses) range.pool.take(number, key);
    for (const port of holding.ports) state.ports.take(port, key);
  }
  for (const [request, taken] of state.pending) {
    // Read late: a generated name is only known after admission.
    const pendingKey = `${request.namespace ?? ''}/${request.object?.metadata.name ?? ''}`;
    if (pendingKey !== key || !contains(state.stored.get(key), taken)) continue;
    state.pending.delete(request);
    giveBack(state, taken, request);
  }
}

function contains(holding: Holding | undefined, part: Holding): boolean {
  if (!holding) return false;
  const has = (wanted: { range: AddressRange; number: number }) =>
    holding.addresses.some(held => held.range === wanted.range && held.number === wanted.number);
  return part.addresses.every(has) && part.ports.every(port => holding.ports.includes(port));
}

function giveBack(state: State, holding: Holding, owner: object | string): void {
  for (const { range, number } of holding.addresses) range.pool.give(number, owner);
  for (const port of holding.ports) state.ports.give(port, owner);
}

function holdingOf(state: State, service: Service): Holding {
  const { spec } = service;
  const addresses = (spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])).flatMap(address => {
    for (const range of state.ranges) {
      const number = range.numberOf(address);
      if (number !== undefined) return [{ range, number }];
    }
    return [];
  });
  return {
    addresses,
    ports: nodePortsOf(service)
      .map(port => port - state.firstPort)
      .filter(port => port >= 0 && port < state.ports.size),
  };
}

function nodePortsOf({ spec }: Service): number[] {
  const ports = (spec.ports ?? []).flatMap(port => port.nodePort || []);
  return [...new Set(spec.healthCheckNodePort ? [...ports, spec.healthCheckNodePort] : ports)];
}

function allocate(state: State, request: AdmissionRequest, release: (request: AdmissionRequest) => void): void {
  const { kind, operation, subresource } = request;
  if (kind.resource !== 'services' || kind.group !== '' || subresource !== '') return;
  if (operation !== 'CREATE' && operation !== 'UPDATE') return;
  const service = request.object as unknown as Service;
  const old = operation === 'UPDATE' ? (request.old as unknown as Service | undefined) : undefined;
  const addresses: { range: AddressRange; number: number }[] = [];
  const ports: number[] = [];
  state.pending.set(request, { addresses, ports });
  try {
    if (old) keepAllocated(service, old);
    const families = state.ranges.map(range => range.family);
    settleFamilies(service, old, families);
    allocateAddresses(state, { service, old, request, taken: addresses });
    allocatePorts(state, { service, old, request, taken: ports });
  } catch (error) {
    release(request);
    throw error;
  }
  if (request.dryRun) release(request);
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

interface Task<T> {
  readonly service: Service;
  readonly old: Service | undefined;
  readonly request: AdmissionRequest;
  /** What is newly taken, in place. */
  readonly taken: T[];
}

function allocateAddresses(state: State, task: Task<{ range: AddressRange; number: number }>): void {
  const { service, old } = task;
  const { spec } = service;
  if (spec.type === 'ExternalName' || spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None') {
    if (spec.clusterIP === 'None') spec.clusterIPs ??= ['None'];
    return;
  }
  const before = old?.spec.type === 'ExternalName' ? [] : (old?.spec.clusterIPs ?? []);
  if (before[0] === 'None') return;
  const wanted = spec.clusterIPs?.length ? spec.clusterIPs : spec.clusterIP ? [spec.clusterIP] : [...before];
  const addresses = (spec.ipFamilies ?? []).map((family, index) => {
    const given = wanted[index] || before[index];
    if (given !== undefined && before.includes(given)) return given;
    const range = state.ranges.find(candidate => candidate.family === family);
    if (!range) return given ?? '';
    return given ? takeAddress(range, given, { ...task, all: wanted }) : takeAnyAddress(range, task);
  });
  spec.clusterIPs = addresses;
  const [first] = addresses;
  if (first !== undefined) spec.clusterIP = first;
}

/** An address that the user chose. Malformed ones are left to validation. */
function takeAddress(
  range: AddressRange,
  address: string,
  task: Task<{ range: AddressRange; number: number }> & { all: readonly string[] },
): string {
  if (addressFamily(address) === undefined) return address;
  const number = range.numberOf(address);
  const refuse = (why: string) =>
    invalid({ group: '', kind: 'Service' }, task.service.metadata.name, [
      wrong('spec.clusterIPs', task.all, `failed to allocate IP ${address}: ${why}`),
    ]);
  if (number === undefined) {
    const valid = formatCidr(range.cidr);
    throw refuse(`the provided IP (${address}) is not in the valid range. The range of valid IPs is ${valid}`);
  }
  if (range.pool.isTaken(number)) throw refuse('provided IP is already allocated');
  range.pool.take(number, task.request);
  task.taken.push({ range, number });
  return address;
}

function takeAnyAddress(range: AddressRange, task: Task<{ range: AddressRange; number: number }>): string {
  const number = range.pool.takeAny(task.request);
  if (number === undefined) throw internalError('failed to allocate a serviceIP: range is full');
  task.taken.push({ range, number });
  return range.addressOf(number);
}

function needsHealthCheck(service: Service): boolean {
  return service.spec.type === 'LoadBalancer' && service.spec.externalTrafficPolicy === 'Local';
}

function allocatePorts(state: State, task: Task<number>): void {
  const { service, old } = task;
  const { spec } = service;
  const held = new Set(old ? nodePortsOf(old) : []);
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') takeServicePorts(state, task, held);
  if (!needsHealthCheck(service)) return;
  const asked = spec.healthCheckNodePort;
  if (!asked) spec.healthCheckNodePort = takeAnyPort(state, task, 'failed to allocate a HealthCheck NodePort 0');
  else if (!held.has(asked)) {
    const problem = takePort(state, asked, task);
    if (problem) throw internalError(`failed to allocate requested HealthCheck NodePort ${asked}: ${problem}`);
  }
}

/** Ports of one number (TCP and UDP of a DNS server) share a node port, as upstream. */
function takeServicePorts(state: State, task: Task<number>, held: ReadonlySet<number>): void {
  const { service } = task;
  const { spec } = service;
  const mayAllocate = !(spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === false);
  const own = new Set(held);
  for (const [index, port] of (spec.ports ?? []).entries()) {
    if (!port.nodePort || own.has(port.nodePort)) continue;
    const problem = takePort(state, port.nodePort, task);
    if (problem) {
      const cause = wrong(`spec.ports[${index}].nodePort`, port.nodePort, problem);
      throw invalid({ group: '', kind: 'Service' }, service.metadata.name, [cause]);
    }
    own.add(port.nodePort);
  }
  for (const port of spec.ports ?? []) {
    if (port.nodePort || !mayAllocate) continue;
    const twin = (spec.ports ?? []).find(
      other => other.port === port.port && other.nodePort && other.protocol !== port.protocol,
    );
    port.nodePort = twin?.nodePort ?? takeAnyPort(state, task, 'failed to allocate a nodePort');
  }
}

/** Upstream's complaint; undefined when the port is now ours. */
function takePort(state: State, port: number, task: Task<number>): string | undefined {
  const number = port - state.firstPort;
  if (number < 0 || number >= state.ports.size) {
    const valid = `${state.firstPort}-${state.firstPort + state.ports.size - 1}`;
    return `provided port is not in the valid range. The range of valid ports is ${valid}`;
  }
  if (state.ports.isTaken(number)) return 'provided port is already allocated';
  state.ports.take(number, task.request);
  task.taken.push(number);
  return undefined;
}

function takeAnyPort(state: State, task: Task<number>, problem: string): number {
  const number = state.ports.takeAny(task.request);
  if (number === undefined) throw internalError(`${problem}: range is full`);
  task.taken.push(number);
  return state.firstPort + number;
}

function findProblems(state: State, reader: ObjectReader): AllocationProblem[] {
  return reader.list(resources.services).flatMap(service => {
    const key = keyOf(service);
    const texts: string[] = [];
    for (const address of (service.spec.clusterIPs ?? []).filter(text => text !== 'None')) {
      const range = state.ranges.find(candidate => candidate.numberOf(address) !== undefined);
      const number = range?.numberOf(address);
      if (!range || number === undefined)
        texts.push(`the cluster IP ${address} is not within any configured Service CIDR`);
      else if (range.pool.ownersOf(number)[0] !== key)
        texts.push(`the cluster IP ${address} is used by another service too`);
    }
    for (const port of nodePortsOf(service)) {
      if (state.ports.ownersOf(port - state.firstPort)[0] === key) continue;
      texts.push(`the node port ${port} is outside the range or used by another service too`);
    }
    return texts.map(message => ({ service: key, message }));
  });
}
