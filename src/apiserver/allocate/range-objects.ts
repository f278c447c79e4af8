import type { Condition, IPAddress, ServiceCIDR } from '#api';
import { resources } from '#api';
import { type Cidr, cidrContains, cidrIndex, formatCidr, formatTime } from '#base';
import { type Client, type EventRecorder, isAlreadyExists, type QueueOutcome } from '#client';
import type { ObjectReader } from '../reader.ts';
import { isManaged } from './address-object.ts';
import { familyOf } from './address-range.ts';
import { cidrsOf, defaultRangeName } from './service-ranges.ts';

export interface RangeDeps {
  readonly reader: ObjectReader;
  readonly client: Pick<Client, 'create' | 'update'>;
  readonly events: EventRecorder;
  /** What the configuration says; the first is the default. */
  readonly configured: readonly Cidr[];
  now(): number;
}

/** Upstream's finalizer: nothing is taken away from which a Service has its address. */
const finalizer = 'networking.k8s.io/service-cidr-finalizer';
/** As upstream: by then every server knows that the range is not to be used. */
const graceMs = 10_000;

/** Makes the ServiceCIDR of the configuration when there is none. Resolves when it is there. */
export async function ensureDefaultRange({ client, configured }: Pick<RangeDeps, 'client' | 'configured'>) {
  const object: ServiceCIDR = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: defaultRangeName },
    spec: { cidrs: configured.map(formatCidr) },
  };
  try {
    await client.create(resources.servicecidrs, object);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

/**
 * Brings one ServiceCIDR to where it should be: a finalizer, the condition Ready, and when it is deleted, the end of it as soon as no address needs it.
 * Source: servicecidrs_controller.go and default_servicecidr_controller.go.
 */
export async function keepRange(deps: RangeDeps, name: string): Promise<QueueOutcome> {
  const object = deps.reader.get(resources.servicecidrs, undefined, name);
  if (!object) return name === defaultRangeName ? ensureDefaultRange(deps) : undefined;
  if (object.metadata.deletionTimestamp) return endRange(deps, object);
  const finalizers = object.metadata.finalizers ?? [];
  if (!finalizers.includes(finalizer)) {
    const metadata = { ...object.metadata, finalizers: [...finalizers, finalizer] };
    // The write wakes this again.
    await deps.client.update(resources.servicecidrs, { ...object, metadata });
    return undefined;
  }
  if (name === defaultRangeName && !(await keepDefault(deps, object))) return undefined;
  if (readyOf(object)?.status === 'True') return undefined;
  const kubernetes = name === defaultRangeName ? 'Kubernetes default' : 'Kubernetes';
  return writeReady(deps, object, { status: 'True', reason: '', message: `${kubernetes} Service CIDR is ready` });
}

/** False: the object is not as configured, and nothing more is said about it. */
async function keepDefault({ client, configured, events }: RangeDeps, object: ServiceCIDR): Promise<boolean> {
  const wanted = configured.map(formatCidr);
  const present = cidrsOf(object).map(formatCidr);
  if (String(wanted) === String(present)) return true;
  if (wanted.length === 2 && present.length === 1 && present[0] === wanted[0]) {
    await client.update(resources.servicecidrs, { ...object, spec: { cidrs: wanted } });
    return false;
  }
  const message = `The default ServiceCIDR [${present.join(' ')}] does not match the controller flag configurations [${wanted.join(' ')}]`;
  events.record(object, { type: 'Warning', reason: 'KubernetesDefaultServiceCIDRInconsistent', message });
  return false;
}

async function endRange(deps: RangeDeps, object: ServiceCIDR): Promise<QueueOutcome> {
  const { metadata } = object;
  if (!metadata.finalizers?.includes(finalizer)) return undefined;
  if (isNeeded(deps.reader, object)) {
    if (readyOf(object)?.status === 'False') return undefined;
    const message =
      'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR';
    return writeReady(deps, object, { status: 'False', reason: 'Terminating', message });
  }
  const afterMs = Date.parse(metadata.deletionTimestamp!) + graceMs - deps.now();
  if (afterMs > 0) return { afterMs };
  const finalizers = metadata.finalizers.filter(one => one !== finalizer);
  await deps.client.update(resources.servicecidrs, { ...object, metadata: { ...metadata, finalizers } });
  return undefined;
}

/** Whether an address of a Service would belong to no range without this one. */
function isNeeded(reader: ObjectReader, object: ServiceCIDR): boolean {
  const others = reader
    .list(resources.servicecidrs)
    .filter(({ metadata }) => metadata.name !== object.metadata.name && !metadata.deletionTimestamp)
    .flatMap(cidrsOf);
  const own = cidrsOf(object).filter(cidr => !others.some(other => covers(other, cidr)));
  if (own.length === 0) return false;
  return reader.list(resources.ipaddresses).some(address => isManaged(address) && belongs(address, own, others));
}

function covers(outer: Cidr, inner: Cidr): boolean {
  return outer.prefix <= inner.prefix && cidrContains(outer, formatCidr(inner).split('/')[0]!);
}

function belongs({ metadata: { name } }: IPAddress, own: readonly Cidr[], others: readonly Cidr[]): boolean {
  const has = (cidr: Cidr) => cidrIndex(cidr, name) !== undefined;
  return own.some(has) && !others.some(has);
}

function readyOf({ status }: ServiceCIDR): Condition | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

async function writeReady(
  { client, now }: RangeDeps,
  object: ServiceCIDR,
  condition: Pick<Condition, 'status' | 'reason' | 'message'>,
): Promise<undefined> {
  const others = (object.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
  const ready = { type: 'Ready', ...condition, lastTransitionTime: formatTime(now()) };
  const status = { conditions: [...others, ready] };
  await client.update(resources.servicecidrs, { ...object, status }, { subresource: 'status' });
}

/** The ranges that an address may hold back, or set free. */
export function rangesOf(reader: ObjectReader, address: string): string[] {
  const family = familyOf(address) === 'IPv4' ? 4 : 6;
  return reader
    .list(resources.servicecidrs)
    .filter(object => cidrsOf(object).some(cidr => cidr.family === family && cidrContains(cidr, address)))
    .map(({ metadata }) => metadata.name);
}
