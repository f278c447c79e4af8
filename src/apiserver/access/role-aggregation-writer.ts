import type { ClusterRole, KubeObject, Resource } from '#api';
import { resources } from '#api';
import type { Clock, Log } from '#base';
import type { ObjectReader } from '../reader.ts';
import { aggregatedRules } from './role-aggregation.ts';

/** Changes within this are looked at together: an operator installs its roles in one go. */
const settleMs = 50;

/** How rules are written: server-side apply, so that only they are the controller's; a Client fits. */
export interface RoleWriter {
  patch<T extends KubeObject>(
    resource: Resource<T>,
    ref: { name: string },
    patch: { type: 'apply'; body: unknown; force: boolean; fieldManager: string },
  ): Promise<unknown>;
}

/** Upstream's name, which users see in `managedFields` and in conflicts when a manifest names `rules` of an aggregated role. */
const fieldManager = 'clusterrole-aggregation-controller';

/**
 * Writes the rules of aggregated cluster roles into them whenever a part changes, so that users see what the authorizer already goes by. Upstream's
 * clusterrole-aggregation-controller. A failed write is logged and tried again at the next change.
 */
export function startRoleAggregation(options: {
  reader: ObjectReader;
  writer: RoleWriter;
  clock: Clock;
  log: Log;
}): Disposable {
  const { reader, writer, clock, log } = options;
  let timer: Disposable | undefined;
  const write = async ({ metadata: { name }, rules }: ClusterRole) => {
    const body = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules };
    try {
      await writer.patch(resources.clusterroles, { name }, { type: 'apply', body, force: true, fieldManager });
    } catch (error) {
      log.debug('aggregated role not written', { role: name, error: String(error) });
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
