import type { Clock, Log } from '#base';
import type { Nft } from '#host';
import type { Remembered } from './affinity.ts';
import { formatAffinity, readAffinity } from './affinity.ts';
import { tableName } from './config.ts';
import { emptyRuleset, formatAll, formatDeletions, planChange } from './diff.ts';
import type { ProxyMeters } from './meters.ts';
import type { Ruleset } from './rules.ts';
import { countRules } from './rules.ts';

/** How often the kernel is asked whether the table still stands: strangers flush rulesets. */
export const repairMs = 60_000;
/** How long an emptied chain stays: kernels before 6.2 know only then that nothing points to it. */
const staleMs = 1_000;

/** The table in the kernel and what is known to be in it. */
export interface KernelTable {
  /**
   * Brings the kernel to `rules` with at most one transaction, and cleans up what earlier ones left in another. After a failure it rejects, and the next
   * call replaces the whole table. Answers when it wants to be called again though nothing has changed. Not to be called while a call runs.
   */
  sync(rules: Ruleset): Promise<{ before: Ruleset; wasReplaced: boolean; againMs: number }>;
}

export interface KernelTableDeps {
  nft: Nft;
  clock: Clock;
  log: Log;
  meters: ProxyMeters;
}

export function createKernelTable(options: { localhostPorts: boolean }, deps: KernelTableDeps): KernelTable {
  const { nft, clock, log, meters } = deps;
  let applied: Ruleset | undefined;
  let checkedMs = 0;
  /** Emptied chains, and since when. */
  const stale = new Map<string, number>();
  const run = (kind: string, lines: readonly string[]) => runTransaction({ kind, lines }, deps);

  const replace = async (rules: Ruleset) => {
    applied = undefined;
    const clients = rules.affinitySets.size ? await readClients(deps) : [];
    await run('full', [...formatAll(rules, options), ...formatAffinity(clients, rules.affinitySets)]);
    stale.clear();
    checkedMs = clock.monotonicMs();
  };
  const change = async (before: Ruleset, rules: Ruleset) => {
    const { lines, stale: emptied } = planChange(before, rules, new Set(stale.keys()));
    if (!lines.length) return;
    applied = undefined;
    try {
      await run('change', lines);
    } catch (error) {
      throw new Error('service rules did not take a change, the whole table will be replaced', { cause: error });
    }
    for (const name of stale.keys()) if (rules.chains.has(name)) stale.delete(name);
    for (const name of emptied) stale.set(name, clock.monotonicMs());
  };
  const cleanUp = async () => {
    const ripe = [...stale].filter(([, sinceMs]) => clock.monotonicMs() - sinceMs >= staleMs).map(([name]) => name);
    if (!ripe.length) return;
    try {
      await run('cleanup', formatDeletions(ripe));
      for (const name of ripe) stale.delete(name);
    } catch (error) {
      // Empty chains do no harm; they are tried again.
      log.debug('unused chains are not deleted yet', { chains: ripe.length, error });
      for (const name of ripe) stale.set(name, clock.monotonicMs());
    }
  };
  const isGone = async () => {
    if (clock.monotonicMs() - checkedMs < repairMs) return false;
    const tables = await nft.tables();
    checkedMs = clock.monotonicMs();
    return !tables.some(({ family, name }) => family === 'ip' && name === tableName);
  };
  return {
    async sync(rules) {
      if (applied && (await isGone())) {
        log.warn('table of service rules was gone, set up again', { table: tableName });
        applied = undefined;
      }
      const before = applied;
      if (before) {
        await cleanUp();
        await change(before, rules);
      } else await replace(rules);
      applied = rules;
      meters.rules.set(countRules(rules));
      return { before: before ?? emptyRuleset, wasReplaced: !before, againMs: stale.size ? staleMs : repairMs };
    },
  };
}

/** Clients stay with their endpoints over a restart. When that cannot be known the rules come first. */
async function readClients({ nft, log }: KernelTableDeps): Promise<Remembered[]> {
  try {
    return await readAffinity(nft);
  } catch (error) {
    log.warn('session affinity is forgotten', { error });
    return [];
  }
}

async function runTransaction(
  { kind, lines }: { kind: string; lines: readonly string[] },
  { nft, clock, meters }: KernelTableDeps,
): Promise<void> {
  const startMs = clock.monotonicMs();
  try {
    await nft.run(`${lines.join('\n')}\n`);
    meters.transactions.add({ kind, result: 'ok' });
  } catch (error) {
    meters.transactions.add({ kind, result: 'error' });
    throw error;
  } finally {
    meters.seconds.observe((clock.monotonicMs() - startMs) / 1000, { kind });
  }
}
