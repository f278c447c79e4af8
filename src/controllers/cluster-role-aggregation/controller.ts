import type { ClusterRole, PolicyRule } from '#api';
import { resources } from '#api';
import type { ControllerSpec } from '../controller.ts';
import { equalContent } from '../hash.ts';
import { startLoop } from '../loop.ts';
import { matchesSelector } from '../selector.ts';

const { clusterroles } = resources;

/** The rules of all roles that an aggregated role selects, each once, in the order of the roles' names. */
export function planAggregation(role: ClusterRole, all: readonly ClusterRole[]): PolicyRule[] {
  const rules: PolicyRule[] = [];
  const sources = all
    .filter(({ metadata }) => metadata.name !== role.metadata.name)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    for (const source of sources.filter(({ metadata }) => matchesSelector(selector, metadata.labels))) {
      for (const rule of source.rules ?? []) if (!rules.some(known => equalContent(known, rule))) rules.push(rule);
    }
  }
  return rules;
}

/** Keeps the rules of roles that are made of other roles: admin, edit, view. */
export const clusterRoleAggregation: ControllerSpec = {
  name: 'clusterrole-aggregation-controller',
  serviceAccount: 'clusterrole-aggregation-controller',
  reads: [clusterroles],
  writes: [{ resource: clusterroles, verbs: ['update'] }],
  async start(deps) {
    const all = deps.informers.of(clusterroles);
    const sync = async (name: string) => {
      const role = all.get(undefined, name);
      if (!role?.aggregationRule) return;
      const rules = planAggregation(role, all.list());
      if (!equalContent(rules, role.rules ?? [])) await deps.client.update(clusterroles, { ...role, rules });
    };
    const loop = startLoop(deps, { name: 'clusterrole-aggregation', informers: [all], sync });
    loop.on(all, ({ object, old }) => {
      if (object.aggregationRule && !old) return [object.metadata.name];
      const selecting = all
        .list()
        .filter(role =>
          role.aggregationRule?.clusterRoleSelectors?.some(
            selector =>
              matchesSelector(selector, object.metadata.labels) ||
              matchesSelector(selector, old?.metadata.labels ?? {}),
          ),
        );
      return [
        ...(object.aggregationRule ? [object.metadata.name] : []),
        ...selecting.map(({ metadata }) => metadata.name),
      ];
    });
    return loop;
  },
};
