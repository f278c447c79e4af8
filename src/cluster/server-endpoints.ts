import { allocate } from '#apiserver';
import type { Cidr, Clock, Log, Running } from '#base';
import type { Client } from '#client';
import type { Entry, Store } from '#store';
import { StoreError } from '#store';

export interface ServerEndpointsOptions {
  readonly store: Store;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly serviceCidr: Cidr;
  /** Where this server is reached. */
  readonly address: string;
  readonly port: number;
}

/** As upstream's. */
const prefix = '/registry/masterleases/';
const everyMs = 5_000;
/** Upstream's time to live of such a key; here by the clock of whoever looks, so that clocks may differ. */
const deadMs = 15_000;
/** A server that stops does not wait longer for a store that does not answer. */
const farewellMs = 3_000;

/**
 * Keeps the endpoints of the Service default/kubernetes those of the servers that live: each renews a key in the store, and removes keys that it has not seen renewed
 * for fifteen seconds (upstream's lease reconciler, pkg/controlplane/reconcilers). Resolves when they are right for the first time. Disposing takes this server out.
 */
export async function startServerEndpoints(options: ServerEndpointsOptions): Promise<Running> {
  const { clock, log } = options;
  const stop = new AbortController();
  const leases = createLeases(options);
  await leases.renew();
  await reconcile(options, await leases.living());
  const run = async () => {
    for (;;) {
      try {
        await clock.sleep(everyMs, stop.signal);
      } catch {
        return; // stopped
      }
      try {
        await leases.renew();
        await reconcile(options, await leases.living());
      } catch (error) {
        log.warn('the endpoints of the Service default/kubernetes are not renewed', { error });
      }
    }
  };
  const done = run();
  return {
    ready: () => undefined,
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('stopped'));
      const farewell = done.then(leases.remove).then(async () => {
        const others = await leases.living();
        if (others.length > 0) await reconcile(options, others);
      });
      // Others notice by themselves.
      const quiet = farewell.catch(error => log.debug('this server is not taken out of the endpoints', { error }));
      await Promise.race([quiet, clock.sleep(farewellMs)]);
    },
  };
}

function reconcile({ client, serviceCidr }: ServerEndpointsOptions, servers: Server[]): Promise<void> {
  return allocate.ensureKubernetesService(client, { serviceCidr, servers });
}

interface Server {
  address: string;
  port: number;
}

function createLeases({ store, clock, address, port }: ServerEndpointsOptions) {
  const key = prefix + address;
  const value = () => Buffer.from(JSON.stringify(leaseObject({ address, port }, clock.now())));
  /** When this process first saw a key at its revision. */
  const seen = new Map<string, { revision: number; atMs: number }>();
  let revision = 0;
  const change = async (wanted: Uint8Array | undefined): Promise<void> => {
    try {
      ({ revision } = await store.write({ key, value: wanted, expect: revision }));
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'conflict')) throw error;
      // Left by this server's last run, or taken away while it stood still.
      revision = error.entry?.revision ?? 0;
      if (wanted || revision > 0) return change(wanted);
    }
  };
  const isDead = (entry: Entry) => {
    const before = seen.get(entry.key);
    if (before?.revision === entry.revision) return clock.monotonicMs() - before.atMs > deadMs;
    seen.set(entry.key, { revision: entry.revision, atMs: clock.monotonicMs() });
    return false;
  };
  return {
    renew: () => change(value()),
    remove: () => change(undefined),
    async living(): Promise<Server[]> {
      const { entries } = await store.list({ prefix });
      const servers: Server[] = [];
      for (const entry of entries) {
        if (isDead(entry)) await removeDead(store, entry);
        else servers.push(...parseLease(entry.value));
      }
      return servers;
    },
  };
}

async function removeDead(store: Store, { key, revision }: Entry): Promise<void> {
  try {
    await store.write({ key, value: undefined, expect: revision });
  } catch (error) {
    // Another server was faster, or the dead one has risen.
    if (!(error instanceof StoreError && error.code === 'conflict')) throw error;
  }
}

function leaseObject({ address, port }: Server, nowMs: number): object {
  return {
    kind: 'Endpoints',
    apiVersion: 'v1',
    metadata: { name: address, annotations: { 'wherry/renewed': new Date(nowMs).toISOString() } },
    subsets: [{ addresses: [{ ip: address }], ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  };
}

/** Nothing for what cannot be read: another version's. */
function parseLease(value: Uint8Array): Server[] {
  try {
    const { subsets } = JSON.parse(Buffer.from(value).toString()) as {
      subsets: { addresses: { ip: string }[]; ports: { port: number }[] }[];
    };
    return subsets.flatMap(({ addresses, ports }) =>
      addresses.map(({ ip }) => ({ address: ip, port: ports[0]!.port })),
    );
  } catch {
    return [];
  }
}
