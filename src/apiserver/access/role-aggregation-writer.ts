import type { ClusterRole } from '#api';
import { resources } from '#api';
import type { Clock, Log } from '#base';
import type { ObjectReader } from '../reader.ts';
import type { BootstrapWriter } from './bootstrap-writer.ts';
import { aggregatedRules } from './role-aggregation.ts';

/** Changes within this are looked at together: an operator installs its roles in one go. */
const settleMs = 50;

/**
 * Writes the rules of aggregated cluster roles into them whenever a part changes, so that users see what the authorizer already goes by. Upstream's
 * clusterrole-aggregation-controller. A failed write is logged and tried again at the next change.
 */
export function startRoleAggregation(options: {
  reader: ObjectReader;
  writer: Pick<BootstrapWriter, 'update'>;
  clock: Clock;
  log: Log;
}): Disposable {
  const { reader, writer, clock, log } = options;
  let timer: Disposable | undefined;
  const write = async (role: ClusterRole) => {
    try {
      await writer.update(resources.clusterroles, role);
    } catch (error) {
      // A conflict means that somebody else changed the role: that change comes through the reader and starts this anew.
      log.debug('aggregated role not written', { role: role.metadata.name, error: String(error) });
    }
  };
  const run = () => {
    timer = undefined;
    for (const role of planAggregation(reader.list(resources.clusterroles))) void write(role);
  };
  const watch = reader.onChange(resources.clusterroles, () => {
    timer ??= clock.timer(settleMs, run, { unref: true });
  });
  return {
    [Symbol.dispose]() {
      watch[Symbol.dispose]();
      timer?.[Symbol.dispose]();
    },
  };
}

/** The aggregated roles whose written rules are not what their parts hold, as they should be. */
export function planAggregation(roles: readonly ClusterRole[]): ClusterRole[] {
  return roles.flatMap(role => {
    if (!role.aggregationRule) return [];
    const rules = aggregatedRules(role, roles);
    return JSON.stringify(rules) === JSON.stringify(role.rules ?? []) ? [] : [{ ...role, rules }];
  });
}
