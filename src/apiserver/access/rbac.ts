import type { ClusterRoleBinding, PolicyRule, RoleBinding, RoleRef, Subject } from '#api';
import { resources } from '#api';
import type { Attributes, Decision } from '../access.ts';
import type { ObjectReader } from '../reader.ts';
import type { User } from '../user.ts';
import { createBoundedMap } from './bounded-map.ts';
import { parseServiceAccountUserName } from './identities.ts';
import { notFound, quote } from './refuse.ts';
import { aggregatedRules } from './role-aggregation.ts';
import { ruleAllows } from './rule-match.ts';

/** Users whose bindings are remembered between changes of RBAC objects. */
const rememberedUsers = 4096;
/** Namespaces remembered with a user object. */
const rememberedNamespaces = 64;

/** Rules that a user has somewhere, and where they come from. */
export interface Grant {
  readonly rules: readonly PolicyRule[];
  /** `ClusterRoleBinding "x" of ClusterRole "y" to Group "z"`. */
  readonly source: string;
  /** Set when the role does not exist: then `rules` is empty. Upstream's text, which names the kind in the singular here. */
  readonly missing?: string;
}

/** Role-based access control over what the reader holds. Synchronous. */
export interface Rbac extends Disposable {
  authorize(attributes: Attributes): Decision;
  /** All grants of the user: cluster-wide ones, and those of `namespace` when given. */
  grantsOf(user: User, namespace: string | undefined): readonly Grant[];
  /** Rules of a role as the authorizer sees them, aggregation included. Throws 404 when there is no such role. */
  rulesOfRole(reference: RoleRef, namespace: string | undefined): readonly PolicyRule[];
}

/** Grants are worked out once per user and namespace and kept until any role or binding changes. */
export function createRbac(reader: ObjectReader): Rbac {
  const known = createBoundedMap<readonly Grant[]>(rememberedUsers);
  // The same by user object, which saves making the key.
  let recent = new WeakMap<User, Map<string, readonly Grant[]>>();
  const forget = () => {
    known.clear();
    recent = new WeakMap();
  };
  const { clusterroles, clusterrolebindings, roles, rolebindings } = resources;
  const watched = [
    reader.onChange(clusterroles, forget),
    reader.onChange(clusterrolebindings, forget),
    reader.onChange(roles, forget),
    reader.onChange(rolebindings, forget),
  ];
  const rulesOfRole: Rbac['rulesOfRole'] = (reference, namespace) => {
    const rules = findRules(reader, reference, namespace);
    if (rules) return rules;
    throw notFound(reference.kind === 'ClusterRole' ? clusterroles : roles, reference.name);
  };
  const grantsByName = (user: User, namespace: string | undefined) => {
    const key = JSON.stringify([namespace ?? '', user.name, user.groups]);
    let grants = known.get(key);
    if (!grants) {
      grants = collectGrants(reader, user, namespace);
      known.set(key, grants);
    }
    return grants;
  };
  const grantsOf: Rbac['grantsOf'] = (user, namespace) => {
    let own = recent.get(user);
    if (!own) {
      own = new Map();
      recent.set(user, own);
    }
    let grants = own.get(namespace ?? '');
    if (!grants) {
      grants = grantsByName(user, namespace);
      if (own.size >= rememberedNamespaces) own.clear();
      own.set(namespace ?? '', grants);
    }
    return grants;
  };
  return {
    grantsOf,
    rulesOfRole,
    authorize: attributes => decide(grantsOf(attributes.user, attributes.namespace || undefined), attributes),
    [Symbol.dispose]: () => watched.forEach(watch => void watch[Symbol.dispose]()),
  };
}

function decide(grants: readonly Grant[], attributes: Attributes): Decision {
  for (const grant of grants) {
    if (grant.rules.some(rule => ruleAllows(rule, attributes))) {
      return { verdict: 'allow', reason: `RBAC: allowed by ${grant.source}` };
    }
  }
  const missing = [...new Set(grants.flatMap(grant => grant.missing ?? []))];
  const reason =
    missing.length > 1 ? `RBAC: [${missing.join(', ')}]` : missing.length === 1 ? `RBAC: ${missing[0]}` : '';
  return { verdict: 'no-opinion', reason };
}

function collectGrants(reader: ObjectReader, user: User, namespace: string | undefined): Grant[] {
  const grants: Grant[] = [];
  for (const binding of reader.list(resources.clusterrolebindings)) {
    const grant = grantOf(reader, { binding, user, namespace: undefined });
    if (grant) grants.push(grant);
  }
  if (namespace === undefined) return grants;
  for (const binding of reader.list(resources.rolebindings, namespace)) {
    const grant = grantOf(reader, { binding, user, namespace });
    if (grant) grants.push(grant);
  }
  return grants;
}

function grantOf(
  reader: ObjectReader,
  about: { binding: ClusterRoleBinding | RoleBinding; user: User; namespace: string | undefined },
): Grant | undefined {
  const { binding, user, namespace } = about;
  const subject = (binding.subjects ?? []).find(candidate => appliesTo(candidate, user, namespace));
  if (!subject) return undefined;
  const kind = namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding';
  const name = namespace === undefined ? binding.metadata.name : `${binding.metadata.name}/${namespace}`;
  const { roleRef } = binding;
  const role = `${roleRef.kind} ${quote(roleRef.name)}`;
  const source = `${kind} ${quote(name)} of ${role} to ${describeSubject(subject, namespace)}`;
  const rules = findRules(reader, roleRef, namespace);
  if (rules) return { rules, source };
  const missing = `${roleRef.kind.toLowerCase()}.${resources.roles.group} ${quote(roleRef.name)} not found`;
  return { rules: [], source, missing };
}

function appliesTo(subject: Subject, user: User, namespace: string | undefined): boolean {
  switch (subject.kind) {
    case 'User':
      return user.name === subject.name;
    case 'Group':
      return user.groups.includes(subject.name);
    case 'ServiceAccount': {
      const account = parseServiceAccountUserName(user.name);
      const where = subject.namespace || namespace;
      return account !== undefined && account.name === subject.name && account.namespace === where;
    }
    default:
      return false;
  }
}

function describeSubject(subject: Subject, namespace: string | undefined): string {
  if (subject.kind !== 'ServiceAccount') return `${subject.kind} ${quote(subject.name)}`;
  return `ServiceAccount ${quote(`${subject.name}/${subject.namespace || namespace || ''}`)}`;
}

function findRules(
  reader: ObjectReader,
  reference: RoleRef,
  namespace: string | undefined,
): readonly PolicyRule[] | undefined {
  if (reference.kind !== 'ClusterRole') {
    const role = reader.get(resources.roles, namespace, reference.name);
    return role && (role.rules ?? []);
  }
  const role = reader.get(resources.clusterroles, undefined, reference.name);
  if (!role?.aggregationRule) return role && (role.rules ?? []);
  return aggregatedRules(role, reader.list(resources.clusterroles));
}
