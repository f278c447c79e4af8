import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '#api';

/** What every bootstrap object carries: it is upstream's own, and is brought up to date at each start. */
const bootstrapLabels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
export const autoUpdateAnnotation = 'rbac.authorization.kubernetes.io/autoupdate';
const roleGroup = 'rbac.authorization.k8s.io';

export const read = 'get list watch';
export const write = 'create update patch delete deletecollection';
export const readWrite = `${read} ${write}`;

/**
 * A rule in one line: verbs, groups and resources separated by spaces; `core` is the group without a name. Resources and verbs come out sorted,
 * as upstream writes them.
 */
export function rule(verbs: string, groups: string, resources: string, names: readonly string[] = []): PolicyRule {
  return {
    apiGroups: groups.split(' ').map(group => (group === 'core' ? '' : group)),
    ...(names.length > 0 ? { resourceNames: [...names] } : {}),
    resources: resources.split(' ').sort(),
    verbs: verbs.split(' ').sort(),
  };
}

/** A rule for paths that are no resources. */
export function urlRule(verbs: string, urls: string): PolicyRule {
  return { nonResourceURLs: urls.split(' ').sort(), verbs: verbs.split(' ').sort() };
}

/** Nearly every component may report events. */
export const eventsRule = rule('create patch update', 'core events.k8s.io', 'events');

export function clusterRole(
  name: string,
  rules: readonly PolicyRule[],
  labels: Record<string, string> = {},
): ClusterRole {
  return {
    apiVersion: `${roleGroup}/v1`,
    kind: 'ClusterRole',
    metadata: bootstrapMetadata(name, labels),
    rules: [...rules],
  };
}

/** A role made of all roles that carry `aggregate-to-<name>: "true"`; `into` is the role that it is itself a part of. */
export function aggregateRole(name: string, into?: string): ClusterRole {
  const labels = into ? { [aggregateLabel(into)]: 'true' } : {};
  return {
    ...clusterRole(name, [], labels),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregateLabel(name)]: 'true' } }] },
  };
}

export function aggregateLabel(name: string): string {
  return `rbac.authorization.k8s.io/aggregate-to-${name}`;
}

/** Binds the cluster role of the same name. */
export function clusterRoleBinding(name: string, subjects: readonly Subject[]): ClusterRoleBinding {
  return {
    apiVersion: `${roleGroup}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: bootstrapMetadata(name),
    roleRef: { apiGroup: roleGroup, kind: 'ClusterRole', name },
    subjects: [...subjects],
  };
}

export function role(namespace: string, name: string, rules: readonly PolicyRule[]): Role {
  const metadata = { ...bootstrapMetadata(name), namespace };
  return { apiVersion: `${roleGroup}/v1`, kind: 'Role', metadata, rules: [...rules] };
}

/** Binds a role of the namespace; its name is that of the role unless given. */
export function roleBinding(
  namespace: string,
  roleName: string,
  subjects: readonly Subject[],
  name: string = roleName,
): RoleBinding {
  return {
    apiVersion: `${roleGroup}/v1`,
    kind: 'RoleBinding',
    metadata: { ...bootstrapMetadata(name), namespace },
    roleRef: { apiGroup: roleGroup, kind: 'Role', name: roleName },
    subjects: [...subjects],
  };
}

export function toUser(name: string): Subject {
  return { apiGroup: roleGroup, kind: 'User', name };
}

export function toGroup(name: string): Subject {
  return { apiGroup: roleGroup, kind: 'Group', name };
}

export function toServiceAccount(namespace: string, name: string): Subject {
  return { kind: 'ServiceAccount', name, namespace };
}

function bootstrapMetadata(name: string, labels: Record<string, string> = {}) {
  return { name, labels: { ...bootstrapLabels, ...labels }, annotations: { [autoUpdateAnnotation]: 'true' } };
}
