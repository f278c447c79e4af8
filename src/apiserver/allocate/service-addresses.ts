import type { IPAddress, Service } from '#api';
import { resources } from '#api';
import type { Cidr, Clock, Log, Random } from '#base';
import { type Client, createEventRecorder, startQueue } from '#client';
import type { ObjectReader } from '../reader.ts';
import type { PortRange } from './allocation-state.ts';
import { keepAddress } from './keep-address.ts';
import { createOwners } from './owners.ts';
import { portProblems } from './port-problems.ts';
import { ensureDefaultRange, keepRange, rangesOf } from './range-objects.ts';
import { addressesOf, serviceKey } from './service-holding.ts';
import { createServiceRanges, defaultRangeName } from './service-ranges.ts';

export interface ServiceAddressesOptions {
  readonly reader: ObjectReader;
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly serviceCidrs: readonly Cidr[];
  readonly nodePorts: PortRange;
}

/** Upstream's period of looking at everything again (the repair loops). */
const repairMs = 180_000;
/** Addresses handled at the same time. */
const concurrency = 8;

/**
 * Keeps ServiceCIDRs and IPAddresses as upstream does: the ServiceCIDR `kubernetes` of the configuration, conditions and finalizers of all, an IPAddress for each
 * address of a Service and none without; complains of addresses and node ports that are used twice or lie outside. Resolves when the default ServiceCIDR is there.
 */
export async function startServiceAddresses(options: ServiceAddressesOptions): Promise<AsyncDisposable> {
  const { reader, client, clock, log, serviceCidrs: configured } = options;
  await ensureDefaultRange({ client, configured });
  await using cleanup = new AsyncDisposableStack();
  const recorderOf = (component: string) => cleanup.use(createEventRecorder({ client, clock, log, component }));
  const rangeEvents = recorderOf('kubernetes-service-cidr-controller');
  const addressEvents = recorderOf('ipallocator-repair-controller');
  const portEvents = recorderOf('portallocator-repair-controller');
  const now = () => clock.now();
  const ranges = cleanup.use(createServiceRanges({ reader, configured, random: options.random }));
  const held = createHeld(reader);
  const rangeDeps = { reader, client, events: rangeEvents, configured, now };
  const addressDeps = { reader, client, events: addressEvents, isInRange: ranges.has, now, ...held };
  const rangeQueue = cleanup.use(
    startQueue({ name: 'service-cidrs', handle: name => keepRange(rangeDeps, name) }, { clock, log }),
  );
  const addressQueue = cleanup.use(
    startQueue(
      { name: 'service-addresses', concurrency, handle: address => keepAddress(addressDeps, address) },
      { clock, log },
    ),
  );
  const onService = (service: Service, deleted: boolean) => {
    for (const address of held.follow(service, deleted)) addressQueue.add(address);
  };
  const onAddress = ({ metadata }: IPAddress) => {
    addressQueue.add(metadata.name);
    for (const name of rangesOf(reader, metadata.name)) rangeQueue.add(name);
  };
  const repair = () => {
    for (const { metadata } of reader.list(resources.ipaddresses)) addressQueue.add(metadata.name);
    for (const address of held.all()) addressQueue.add(address);
    rangeQueue.add(defaultRangeName);
    for (const { service, reason, message } of portProblems(reader.list(resources.services), options.nodePorts))
      portEvents.record(service, { type: 'Warning', reason, message });
  };
  cleanup.use(reader.onChange(resources.services, onService));
  cleanup.use(reader.onChange(resources.ipaddresses, onAddress));
  cleanup.use(
    reader.onChange(resources.servicecidrs, () => {
      // One may hold another back, or make it superfluous.
      for (const { metadata } of reader.list(resources.servicecidrs)) rangeQueue.add(metadata.name);
      rangeQueue.add(defaultRangeName);
    }),
  );
  cleanup.use(every(clock, repair));
  repair();
  return cleanup.move();
}

function every(clock: Clock, run: () => void): Disposable {
  let timer: Disposable;
  const arm = () => {
    timer = clock.timer(
      repairMs,
      () => {
        arm();
        run();
      },
      { unref: true },
    );
  };
  arm();
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

/** Which Services have an address, and which have just let go of it. */
function createHeld(reader: ObjectReader) {
  const owners = createOwners<string>();
  const stored = new Map<string, readonly string[]>();
  const dropped = new Map<string, string>();
  const toService = (owner: object | string) => {
    const [namespace, name] = String(owner).split('/');
    return reader.get(resources.services, namespace, name ?? '') ?? [];
  };
  return {
    /** Gives the addresses for which something is to be done. */
    follow(service: Service, deleted: boolean): readonly string[] {
      const key = serviceKey(service);
      const before = stored.get(key) ?? [];
      const after = deleted ? [] : addressesOf(service);
      if (after.length > 0) stored.set(key, after);
      else stored.delete(key);
      for (const address of before.filter(one => !after.includes(one))) {
        owners.give(address, key);
        dropped.set(address, key);
      }
      for (const address of after) owners.take(address, key);
      return [...new Set([...before, ...after])];
    },
    servicesWith: (address: string) => owners.of(address).flatMap(toService),
    takeDropper(address: string): string | undefined {
      const key = dropped.get(address);
      dropped.delete(address);
      return key;
    },
    all: () => [...stored.values()].flat(),
  };
}
