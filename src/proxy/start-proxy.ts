import { resources } from '#api';
import type { Running } from '#base';
import { startQueue } from '#client';
import { isMissingProgram } from '#host';
import type { ProxyConfig, ProxyDeps } from './config.ts';
import { routeLocalnet } from './config.ts';
import { createKernelTable } from './kernel-table.ts';
import { createProxyMeters } from './meters.ts';
import type { ProxyInformers } from './planner.ts';
import { createPlanner, serviceIndex, serviceKeyOf } from './planner.ts';
import type { Ruleset } from './rules.ts';
import { changedFrontends, removeStaleFlows } from './stale-flows.ts';

/** Changes that come together go into the kernel together. */
const windowMs = 30;
/** At most ten transactions a second, however fast endpoints come and go. */
const pauseMs = 100;
const backoff = { firstMs: 200, maxMs: 30_000 };
const key = 'service rules';

/**
 * Keeps Services and the host ports of this node's pods as nftables rules, in a table of its own. Resolves at once; `ready()` is undefined when the rules
 * stand, which replace in one transaction what an earlier life left. What fails is logged, told by `ready()` and tried again. Disposing leaves the rules,
 * so that traffic goes on while nobody runs. The identity must be allowed to list and watch services, endpointslices and this node's pods.
 */
export async function startProxy(config: ProxyConfig, deps: ProxyDeps): Promise<Running> {
  const { clock, log } = deps;
  const informers = informersOf(config, deps);
  const all = Object.values(informers);
  const localhostPorts = config.localhostPorts ?? true;
  const meters = createProxyMeters(deps.meter);
  const table = createKernelTable({ localhostPorts }, { ...deps, meters });
  const afterwards = createAftercare({ localhostPorts }, { ...deps, staleFlows: meters.staleFlows });
  let missing: string | undefined = 'services, endpoints and pods are not listed yet';
  let startedMs = Number.NEGATIVE_INFINITY;
  const handle = async () => {
    startedMs = clock.monotonicMs();
    try {
      const rules = planner.rules();
      const { before, wasReplaced, againMs } = await table.sync(rules);
      if (missing !== undefined) log.info('service rules stand', { chains: rules.chains.size });
      missing = undefined;
      await afterwards({ before, after: rules, wasReplaced });
      return { afterMs: againMs };
    } catch (error) {
      missing = (error as Error).message;
      throw error;
    }
  };
  const queue = startQueue({ name: 'proxy', handle, backoff }, { clock, log });
  const changed = () => {
    // Half a list would cut off the Services that are not in it yet.
    if (!all.every(one => one.synced())) return;
    queue.addAfter(key, Math.max(windowMs, startedMs + pauseMs - clock.monotonicMs()));
  };
  const planner = createPlanner(informers, config, changed);
  // Rejects only when the informers end, and then there is nothing more to do.
  Promise.all(all.map(one => one.whenSynced())).then(changed, () => undefined);
  return {
    ready: () => missing,
    async [Symbol.asyncDispose]() {
      planner[Symbol.dispose]();
      await queue[Symbol.asyncDispose]();
    },
  };
}

function informersOf({ nodeName }: ProxyConfig, { informers }: ProxyDeps): ProxyInformers {
  const indexes = { [serviceIndex]: (slice: Parameters<typeof serviceKeyOf>[0]) => [serviceKeyOf(slice) ?? []].flat() };
  return {
    services: informers.of(resources.services),
    slices: informers.of(resources.endpointslices, { indexes }),
    pods: informers.of(resources.pods, { fieldSelector: `spec.nodeName=${nodeName}` }),
  };
}

interface Synced {
  before: Ruleset;
  after: Ruleset;
  wasReplaced: boolean;
}

/** What is to be done outside the table when its rules stand. What fails is logged: the rules are good without it. */
function createAftercare(
  { localhostPorts }: { localhostPorts: boolean },
  { exec, sysctl, log, staleFlows }: Pick<ProxyDeps, 'exec' | 'sysctl' | 'log'> & { staleFlows: { add: AddCount } },
): (synced: Synced) => Promise<void> {
  let isMissing = false;
  const forget = async (frontends: ReturnType<typeof changedFrontends>) => {
    if (isMissing) return;
    try {
      staleFlows.add({}, await removeStaleFlows(exec, frontends));
    } catch (error) {
      isMissing = isMissingProgram(error);
      if (isMissing) {
        log.warn(
          'conntrack is not installed: UDP clients may keep sending to endpoints that are gone; install conntrack',
        );
      } else log.warn('stale UDP flows are not removed', { error });
    }
  };
  return async ({ before, after, wasReplaced }) => {
    if (wasReplaced && localhostPorts) {
      // Only now: the rules that keep loopback addresses on this machine stand.
      await sysctl.write(routeLocalnet, 1).catch((error: unknown) => {
        log.warn('node ports do not answer on 127.0.0.1', { error });
      });
    }
    await forget(changedFrontends(before, after));
  };
}

type AddCount = (labels: Readonly<Record<string, string>>, by: number) => void;
