import type { APIService } from '#api';
import { resources } from '#api';
import type { Clock, Log, Meter } from '#base';
import { type Client, isConflict, isNotFound, type KeyedQueue, startQueue } from '#client';
import type { ObjectReader } from '../reader.ts';
import type { ApiServices } from './api-services.ts';
import { checkAvailability, type Finding, localFinding, withFinding } from './availability.ts';
import type { Backends } from './backend.ts';

export interface AvailabilityDeps {
  readonly reader: ObjectReader;
  readonly services: ApiServices;
  readonly backends: Backends;
  readonly client: Pick<Client, 'update'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** Checked at the same time. A check of a dead server takes seconds: it must not keep others from theirs. */
const concurrency = 64;
/** Checked again after this even if nothing changed (as upstream). */
const resyncMs = 30_000;
/** A server that does not answer is asked again soon, then less and less often (as upstream). */
const backoff = { firstMs: 5, maxMs: 30_000 };

/** Keeps the condition Available of every APIService true. `poke` says that one of them changed. */
export function startAvailability(deps: AvailabilityDeps): AsyncDisposable & { poke(name: string): void } {
  const { reader, services, client, clock, log, meter } = deps;
  const count = createCounts(meter);
  const queue: KeyedQueue = startQueue(
    {
      name: 'apiservice-availability',
      concurrency,
      backoff,
      handle: async (name, signal) => {
        const object = reader.get(resources.apiservices, undefined, name);
        if (!object) return count.forget(name);
        const finding = object.spec.service ? await checkAvailability(object, { ...deps, signal }) : localFinding;
        count.see(name, finding);
        await writeFinding(object, finding, { client, clock, signal });
        if (!object.spec.service) return undefined;
        if (finding.reason === 'FailedDiscoveryCheck') return { afterMs: retries.next(name) };
        retries.reset(name);
        return { afterMs: resyncMs };
      },
    },
    { clock, log },
  );
  const retries = createRetries();
  const pokeUsers = (namespace: string | undefined, service: string | undefined) => {
    for (const { metadata, spec } of services.remotes())
      if (spec.service?.name === service && spec.service?.namespace === namespace) queue.add(metadata.name!);
  };
  const watching = [
    reader.onChange(resources.services, ({ metadata }) => pokeUsers(metadata.namespace, metadata.name)),
    reader.onChange(resources.endpointslices, ({ metadata }) =>
      pokeUsers(metadata.namespace, metadata.labels?.['kubernetes.io/service-name']),
    ),
  ];
  return {
    poke: name => queue.add(name),
    async [Symbol.asyncDispose]() {
      for (const one of watching) one[Symbol.dispose]();
      await queue[Symbol.asyncDispose]();
    },
  };
}

/** Delays that grow with each failure of the same APIService. */
function createRetries() {
  const failures = new Map<string, number>();
  return {
    next(name: string): number {
      const count = failures.get(name) ?? 0;
      failures.set(name, count + 1);
      return Math.min(backoff.firstMs * 2 ** count, backoff.maxMs);
    },
    reset: (name: string) => void failures.delete(name),
  };
}

async function writeFinding(
  object: APIService,
  finding: Finding,
  { client, clock, signal }: { client: Pick<Client, 'update'>; clock: Clock; signal: AbortSignal },
): Promise<void> {
  const conditions = withFinding(object, finding, clock.now());
  if (!conditions) return;
  try {
    const changed = { ...object, status: { ...object.status, conditions: [...conditions] } };
    await client.update(resources.apiservices, changed, { subresource: 'status', signal });
  } catch (error) {
    // Somebody else wrote it or took it away: the reader tells of that, and then it is looked at again.
    if (!isConflict(error) && !isNotFound(error)) throw error;
  }
}

function createCounts(meter: Meter) {
  const gauge = meter.gauge({
    name: 'aggregator_unavailable_apiservice',
    help: 'APIServices that are not available, by name.',
    labels: ['name'],
  });
  const total = meter.counter({
    name: 'aggregator_unavailable_apiservice_total',
    help: 'Times that an APIService became unavailable, by name and reason.',
    labels: ['name', 'reason'],
  });
  const last = new Map<string, string>();
  return {
    see(name: string, { status, reason }: Finding): void {
      if (last.get(name) === reason) return;
      last.set(name, reason);
      gauge.set(status === 'True' ? 0 : 1, { name });
      if (status !== 'True') total.add({ name, reason });
    },
    forget(name: string): undefined {
      if (last.delete(name)) gauge.set(0, { name });
    },
  };
}
