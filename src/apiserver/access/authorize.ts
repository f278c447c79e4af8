import type { NonResourceRule, ResourceRule } from '#api';
import type { Attributes, Decision } from '../access.ts';
import type { ObjectReader } from '../reader.ts';
import type { User } from '../user.ts';
import { groups } from './identities.ts';
import { createNodeAuthorizer } from './node-authorizer.ts';
import { createRbac, type Rbac } from './rbac.ts';

/** Everything that a user may do in a namespace, as SelfSubjectRulesReview tells it. */
export interface UserRules {
  resourceRules: ResourceRule[];
  nonResourceRules: NonResourceRule[];
  /** True when not all is told: some role is missing. */
  incomplete: boolean;
  evaluationError: string | undefined;
}

/** The authorizers in their order: the first that allows or denies decides. */
export interface Authorization extends Disposable {
  /** Synchronous and fast: everything is answered from indexes. */
  readonly authorize: (attributes: Attributes) => Decision;
  rulesFor(user: User, namespace: string): UserRules;
  /** For the escalation checks on roles and bindings. */
  readonly rbac: Rbac;
}

/** Superusers first, so that a broken role can always be mended; then nodes, then roles. */
export function createAuthorization(reader: ObjectReader): Authorization {
  const nodes = createNodeAuthorizer(reader);
  const rbac = createRbac(reader);
  const order: readonly ((attributes: Attributes) => Decision)[] = [allowSuperusers, nodes.authorize, rbac.authorize];
  return {
    rbac,
    authorize: attributes => firstDecision(order, attributes),
    rulesFor: (user, namespace) => describeRules(rbac, user, namespace),
    [Symbol.dispose]() {
      nodes[Symbol.dispose]();
      rbac[Symbol.dispose]();
    },
  };
}

function allowSuperusers(attributes: Attributes): Decision {
  const isSuperuser = attributes.user.groups.includes(groups.masters);
  return { verdict: isSuperuser ? 'allow' : 'no-opinion', reason: '' };
}

function firstDecision(order: readonly ((attributes: Attributes) => Decision)[], attributes: Attributes): Decision {
  const reasons: string[] = [];
  for (const ask of order) {
    const decision = ask(attributes);
    if (decision.verdict !== 'no-opinion') return decision;
    if (decision.reason) reasons.push(decision.reason);
  }
  return { verdict: 'no-opinion', reason: reasons.join('\n') };
}

function describeRules(rbac: Rbac, user: User, namespace: string): UserRules {
  const grants = rbac.grantsOf(user, namespace || undefined);
  const resourceRules: ResourceRule[] = [];
  const nonResourceRules: NonResourceRule[] = [];
  if (user.groups.includes(groups.masters)) {
    resourceRules.push({ verbs: ['*'], apiGroups: ['*'], resources: ['*'] });
    nonResourceRules.push({ verbs: ['*'], nonResourceURLs: ['*'] });
  }
  for (const rule of grants.flatMap(grant => grant.rules)) {
    const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } = rule;
    if (resources?.length) {
      resourceRules.push({ verbs, apiGroups, resources, ...(resourceNames?.length ? { resourceNames } : {}) });
    }
    if (nonResourceURLs?.length) nonResourceRules.push({ verbs, nonResourceURLs });
  }
  const missing = grants.flatMap(grant => grant.missing ?? []);
  return {
    resourceRules,
    nonResourceRules,
    incomplete: missing.length > 0,
    evaluationError: missing.length > 0 ? missing.join(', ') : undefined,
  };
}
