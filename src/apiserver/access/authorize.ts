import type { NonResourceRule, ResourceRule } from '#api';
import type { Attributes, Authorizer, Decision } from '../access.ts';
import type { ObjectReader } from '../reader.ts';
import type { User } from '../user.ts';
import { groups, nodeNameOf } from './identities.ts';
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
  /** Synchronous and fast where everything is answered from indexes; a webhook in the order is waited for. */
  readonly authorize: Authorizer;
  rulesFor(user: User, namespace: string): UserRules;
  /** For the escalation checks on roles and bindings. */
  readonly rbac: Rbac;
}

/** One that answers at once, because no other server is asked. */
export interface LocalAuthorization extends Authorization {
  readonly authorize: (attributes: Attributes) => Decision;
}

/** The order of authorizers behind the superusers' own, and what they ask with. */
export type AuthorizerOrder = readonly ('Node' | 'RBAC' | Authorizer)[];

/** Superusers first, so that a broken role can always be mended; then nodes, then roles, or what `order` says at each moment. */
export function createAuthorization(reader: ObjectReader): LocalAuthorization;
export function createAuthorization(reader: ObjectReader, order: (() => AuthorizerOrder) | undefined): Authorization;
export function createAuthorization(
  reader: ObjectReader,
  order: () => AuthorizerOrder = () => usualOrder,
): Authorization {
  const nodes = createNodeAuthorizer(reader);
  const rbac = createRbac(reader);
  const builtIn = { Node: nodes.authorize, RBAC: rbac.authorize };
  return {
    rbac,
    authorize: attributes => {
      const superuser = allowSuperusers(attributes);
      if (superuser.verdict === 'allow') return superuser;
      return firstDecision(order(), builtIn, attributes);
    },
    rulesFor: (user, namespace) => describeRules(rbac, { user, namespace, order: order() }),
    [Symbol.dispose]() {
      nodes[Symbol.dispose]();
      rbac[Symbol.dispose]();
    },
  };
}

const usualOrder: AuthorizerOrder = ['Node', 'RBAC'];

function allowSuperusers(attributes: Attributes): Decision {
  const isSuperuser = attributes.user.groups.includes(groups.masters);
  return { verdict: isSuperuser ? 'allow' : 'no-opinion', reason: '' };
}

type BuiltIn = Readonly<Record<'Node' | 'RBAC', (attributes: Attributes) => Decision>>;

/** At once as long as nobody has to be waited for. */
function firstDecision(
  order: AuthorizerOrder,
  builtIn: BuiltIn,
  attributes: Attributes,
  reasons: readonly string[] = [],
): Decision | Promise<Decision> {
  const [ask, ...others] = order;
  if (!ask) return { verdict: 'no-opinion', reason: reasons.join('\n') };
  const next = (decision: Decision) => {
    if (decision.verdict !== 'no-opinion') return decision;
    return firstDecision(others, builtIn, attributes, decision.reason ? [...reasons, decision.reason] : reasons);
  };
  const decision = typeof ask === 'string' ? builtIn[ask](attributes) : ask(attributes);
  return decision instanceof Promise ? decision.then(next) : next(decision);
}

/** Authorizers that cannot list what they would allow: the answer is not all then (upstream's texts). */
function silentAuthorizers(user: User, order: AuthorizerOrder): string[] {
  const name = (one: AuthorizerOrder[number]) => (typeof one === 'string' ? one : 'Webhook');
  const kinds = new Set(order.map(name));
  return [
    ...(kinds.has('Node') && nodeNameOf(user) !== undefined
      ? ['node authorizer does not support user rule resolution']
      : []),
    ...(kinds.has('Webhook') ? ['webhook authorizer does not support user rule resolution'] : []),
  ];
}

function describeRules(
  rbac: Rbac,
  { user, namespace, order }: { user: User; namespace: string; order: AuthorizerOrder },
): UserRules {
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
  const missing = [...silentAuthorizers(user, order), ...grants.flatMap(grant => grant.missing ?? [])];
  return {
    resourceRules,
    nonResourceRules,
    incomplete: missing.length > 0,
    evaluationError: missing.length > 0 ? missing.join(', ') : undefined,
  };
}
