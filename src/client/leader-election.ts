import type { Lease } from '#api';
import { resources } from '#api';
import type { Clock, Log, Random, Running } from '#base';
import { formatMicroTime } from '#base';
import type { Client } from './client.ts';
import { isNotFound } from './errors.ts';

export interface LeaderElectionOptions {
  client: Client;
  clock: Clock;
  random: Random;
  log: Log;
  /** The Lease: `kube-controller-manager`, `kube-scheduler`. */
  name: string;
  /** Default `kube-system`. */
  namespace?: string;
  /** Unique among candidates: host name and a UUID. */
  identity: string;
  /** Does the leader's work until the signal aborts, then ends: only when it has ended is the lease sought again. */
  lead(signal: AbortSignal): Promise<void>;
  /** How long others wait after the last renewal that they saw. Default 15 s. */
  leaseDurationMs?: number;
  /** How long a leader goes on without being able to renew. Default 10 s; shorter than the lease, so that two never lead at once. */
  renewDeadlineMs?: number;
  /** Between tries. Default 2 s. */
  retryPeriodMs?: number;
}

export interface LeaderElection extends Running {
  isLeader(): boolean;
}

/** Upstream's JitterFactor: candidates do not knock in step. */
const jitterFactor = 1.2;

/**
 * Leads while it holds the Lease, for ever again. Clocks of candidates may differ: a lease counts as abandoned when this process has not seen it
 * change for its duration. Disposing ends the lead and gives the lease back, so that another need not wait.
 */
export function startLeaderElection(options: LeaderElectionOptions): LeaderElection {
  const { clock, random, log, identity, retryPeriodMs = 2000 } = options;
  const stop = new AbortController();
  const lock = createLock(options);
  let leading = false;

  const pause = (ms: number, signal: AbortSignal) => clock.sleep(ms, signal).catch(() => undefined);
  const run = async () => {
    while (!stop.signal.aborted) {
      if (await attempt(lock, log)) {
        leading = true;
        log.info('leading', { lease: options.name, identity });
        await leadOnce(options, lock, stop.signal).finally(() => (leading = false));
      }
      await pause(retryPeriodMs * (1 + jitterFactor * random.next()), stop.signal);
    }
  };
  const ended = run();
  return {
    isLeader: () => leading,
    ready: () => undefined,
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the leader election is disposed'));
      await ended;
    },
  };
}

async function attempt(lock: Lock, log: Log): Promise<boolean> {
  try {
    return await lock.acquireOrRenew();
  } catch (error) {
    log.debug('cannot reach the lease', { error });
    return false;
  }
}

/** Runs `lead` and renews until the lease is lost, the work ends, or all is stopped. Gives the lease back where it is still ours. */
async function leadOnce(options: LeaderElectionOptions, lock: Lock, stopped: AbortSignal): Promise<void> {
  const { clock, log, renewDeadlineMs = 10_000, retryPeriodMs = 2000 } = options;
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, stopped]);
  const work = options.lead(signal).then(
    () => over.abort(new Error('the work ended')),
    error => {
      if (!signal.aborted) log.error('the leader failed', { lease: options.name, error });
      over.abort(error);
    },
  );
  let renewedMs = clock.monotonicMs();
  // A renewal that hangs must not keep the leader in office: the deadline is a timer of its own.
  const lost = () => over.abort(new Error('the lease was lost'));
  let deadline = clock.timer(renewDeadlineMs, lost);
  while (!signal.aborted) {
    // The rejection says only that the signal aborted, which the loop looks at next.
    await clock.sleep(retryPeriodMs, signal).catch(() => undefined);
    if (signal.aborted) break;
    const askedMs = clock.monotonicMs();
    const renewed = await Promise.race([attempt(lock, log), whenAborted(signal)]);
    if (renewed && !signal.aborted) {
      renewedMs = askedMs;
      deadline[Symbol.dispose]();
      deadline = clock.timer(renewDeadlineMs - (clock.monotonicMs() - renewedMs), lost);
    } else if (lock.heldByOther()) lost();
  }
  deadline[Symbol.dispose]();
  if (!stopped.aborted) log.warn('no longer leading', { lease: options.name });
  await work;
  await lock.release().catch(error => log.debug('cannot give the lease back', { error }));
}

function whenAborted(signal: AbortSignal): Promise<false> {
  return new Promise(resolve => {
    if (signal.aborted) resolve(false);
    signal.addEventListener('abort', () => resolve(false), { once: true });
  });
}

interface Lock {
  /** True when the lease is ours for another duration. */
  acquireOrRenew(): Promise<boolean>;
  heldByOther(): boolean;
  release(): Promise<void>;
}

function createLock({
  client,
  clock,
  name,
  namespace = 'kube-system',
  identity,
  ...rest
}: LeaderElectionOptions): Lock {
  const { leases } = resources;
  const leaseDurationMs = rest.leaseDurationMs ?? 15_000;
  let seen: { lease: Lease; atMs: number } | undefined;

  const observe = (lease: Lease) => {
    const changed = seen?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion;
    if (changed) seen = { lease, atMs: clock.monotonicMs() };
    return seen!;
  };
  const holds = (lease: Lease) => lease.spec.holderIdentity === identity;
  const spec = (old: Lease['spec'] | undefined): Lease['spec'] => {
    const now = formatMicroTime(clock.now());
    const mine = old?.holderIdentity === identity;
    return {
      ...{ holderIdentity: identity, leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000), renewTime: now },
      acquireTime: mine ? old.acquireTime : now,
      leaseTransitions: old ? (old.leaseTransitions ?? 0) + (mine ? 0 : 1) : 0,
    };
  };
  const read = async (): Promise<Lease | undefined> => {
    try {
      return await client.get(leases, { namespace, name });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  return {
    async acquireOrRenew() {
      const lease = await read();
      if (!lease) {
        observe(await client.create(leases, { metadata: { namespace, name }, spec: spec(undefined) }));
        return true;
      }
      const { atMs } = observe(lease);
      const theirMs = (lease.spec.leaseDurationSeconds ?? 0) * 1000;
      const held = lease.spec.holderIdentity && !holds(lease);
      if (held && atMs + Math.max(theirMs, leaseDurationMs) > clock.monotonicMs()) return false;
      observe(await client.update(leases, { ...lease, spec: spec(lease.spec) }));
      return true;
    },
    heldByOther: () => seen !== undefined && !holds(seen.lease),
    async release() {
      const lease = await read();
      if (!lease || !holds(lease)) return;
      const now = formatMicroTime(clock.now());
      const { leaseTransitions } = lease.spec;
      const free = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: now, acquireTime: now, leaseTransitions };
      observe(await client.update(leases, { ...lease, spec: free }));
    },
  };
}
