import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from '#api';
import { resources } from '#api';
import type { User } from '../user.ts';
import type { Authorization } from './authorize.ts';
import { groups } from './identities.ts';
import { forbidden, quote, quoteList } from './refuse.ts';
import { uncoveredRules } from './rule-cover.ts';

const everything: PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** A write of a role or binding that is to be judged; `namespace` is undefined for the cluster-wide kinds. */
export interface RoleWrite<T> {
  readonly user: User;
  readonly namespace: string | undefined;
  readonly object: T;
  readonly old: T | undefined;
}

/**
 * Nobody may grant what he does not hold: a role may contain only rules that its writer has, unless he has the verb `escalate` on it.
 * Rejects with 403 and upstream's text.
 */
export async function checkRoleWrite(
  authorization: Authorization,
  write: RoleWrite<Role | ClusterRole>,
): Promise<void> {
  const { user, namespace, object, old } = write;
  if (user.groups.includes(groups.masters)) return;
  const resource = namespace === undefined ? resources.clusterroles : resources.roles;
  const aggregation = (role: Role | ClusterRole | undefined) => (role as ClusterRole | undefined)?.aggregationRule;
  const isSame = (left: unknown, right: unknown) => JSON.stringify(left) === JSON.stringify(right);
  if (old && isSame(old.rules ?? [], object.rules ?? []) && isSame(aggregation(old), aggregation(object))) return;
  const { name } = object.metadata;
  const verb = {
    user,
    verb: 'escalate',
    group: resource.group,
    version: 'v1',
    resource: resource.resource,
    namespace,
    name,
  };
  if ((await authorization.authorize(verb)).verdict === 'allow') return;
  const missing = escalation(authorization, user, namespace, object.rules ?? []);
  if (missing) throw forbidden(resource, name, missing);
  if (aggregation(object) && escalation(authorization, user, undefined, everything)) {
    throw forbidden(resource, name, 'must have cluster-admin privileges to use the aggregationRule');
  }
}

/**
 * A binding may name only a role whose rules its writer holds, unless he has the verb `bind` on that role. Throws 403, and 404 when the role does
 * not exist and he may not bind it blindly.
 */
export async function checkBindingWrite(
  authorization: Authorization,
  write: RoleWrite<RoleBinding | ClusterRoleBinding>,
): Promise<void> {
  const { user, namespace, object, old } = write;
  if (user.groups.includes(groups.masters)) return;
  if (old && JSON.stringify([old.roleRef, old.subjects]) === JSON.stringify([object.roleRef, object.subjects])) return;
  const { roleRef } = object;
  const role = roleRef.kind === 'ClusterRole' ? resources.clusterroles : resources.roles;
  const verb = {
    user,
    verb: 'bind',
    group: role.group,
    version: 'v1',
    resource: role.resource,
    namespace,
    name: roleRef.name,
  };
  if ((await authorization.authorize(verb)).verdict === 'allow') return;
  const rules = authorization.rbac.rulesOfRole(roleRef, namespace);
  const missing = escalation(authorization, user, namespace, rules);
  const resource = namespace === undefined ? resources.clusterrolebindings : resources.rolebindings;
  if (missing) throw forbidden(resource, object.metadata.name, missing);
}

/** Upstream's text about what the user would gain; undefined when he holds it all. */
function escalation(
  authorization: Authorization,
  user: User,
  namespace: string | undefined,
  wanted: readonly PolicyRule[],
): string | undefined {
  const grants = authorization.rbac.grantsOf(user, namespace);
  const missing = uncoveredRules(
    grants.flatMap(grant => grant.rules),
    wanted,
  );
  if (missing.length === 0) return undefined;
  const lines = [...new Set(missing.map(describeRule))].sort();
  const head = `user ${quote(user.name)} (groups=${quoteList(user.groups)}) is attempting to grant RBAC permissions not currently held:`;
  const unresolved = grants.flatMap(grant => grant.missing ?? []);
  const tail = unresolved.length > 0 ? `; resolution errors: [${unresolved.join(', ')}]` : '';
  return `${head}\n${lines.join('\n')}${tail}`;
}

function describeRule(rule: PolicyRule): string {
  const parts = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ] as const;
  const texts = parts.flatMap(([name, values]) => (values?.length ? [`${name}:${quoteList(values)}`] : []));
  return `{${texts.join(', ')}}`;
}
