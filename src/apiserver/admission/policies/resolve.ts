import type { Kind, MatchResources } from '#api';
import { StatusError } from '../../access/refuse.ts';
import type { AdmissionRequest } from '../../admission.ts';
import { matchRules, selectsNamespace, selectsObject } from '../webhooks/match.ts';
import { ConfigurationProblem, collectParams, type ParamDeps, type Params, paramKindOf } from './params.ts';
import type { Binding, Policy, PolicyHook } from './source.ts';

/** A policy that a request meets by one of its bindings. */
export interface Matched<H extends PolicyHook> {
  readonly hook: H;
  readonly binding: H['bindings'][number];
  /** The version of its kind that the policy is written for. */
  readonly kind: Kind;
  readonly paramKind: Kind | undefined;
  readonly params: Params;
  readonly problem?: undefined;
}

/** Why it cannot be told whether a policy is to judge a request, or by what. */
export interface Misconfigured<H extends PolicyHook> {
  readonly hook: H;
  /** Absent: the policy itself is wrong. */
  readonly binding?: H['bindings'][number];
  readonly problem: string;
}

export type Resolved<H extends PolicyHook> = Matched<H> | Misconfigured<H>;

/**
 * Which policies are to judge the request, with which parameters, in the order of their names. Match conditions are another matter. Source:
 * apiserver/pkg/admission/plugin/policy/generic policy_dispatcher.go.
 */
export function resolvePolicies<H extends PolicyHook<Policy, Binding>>(
  hooks: readonly H[],
  request: AdmissionRequest,
  deps: ParamDeps,
): Resolved<H>[] {
  return hooks.flatMap(hook => {
    try {
      const kind = matchResources(hook.policy.spec.matchConstraints, request, deps);
      if (!kind) return [];
      const { paramKind } = hook.policy.spec;
      const about = { kind, paramKind: paramKind && paramKindOf(paramKind, deps.scheme()) };
      return hook.bindings.flatMap(binding => resolveBinding({ hook, binding, ...about }, request, deps));
    } catch (error) {
      return [{ hook, problem: `failed to configure policy: ${problemOf(error)}` }];
    }
  });
}

type Candidate<H extends PolicyHook> = Pick<Matched<H>, 'hook' | 'binding' | 'kind' | 'paramKind'>;

function resolveBinding<H extends PolicyHook>(
  candidate: Candidate<H>,
  request: AdmissionRequest,
  deps: ParamDeps,
): Resolved<H>[] {
  const { hook, binding, paramKind } = candidate;
  try {
    const { matchResources: match, paramRef } = binding.spec;
    if (match && !matchResources(match, request, deps)) return [];
    const params = collectParams({ kind: paramKind, ref: paramRef }, request, deps);
    return params.length === 0 ? [] : [{ ...candidate, params }];
  } catch (error) {
    return [{ hook, binding, problem: `failed to configure binding: ${problemOf(error)}` }];
  }
}

function problemOf(error: unknown): string {
  if (error instanceof ConfigurationProblem || error instanceof StatusError) return error.message;
  throw error;
}

/** As rules of webhooks, but that exceptions come first, and that no rules mean everything. Source: policy/matching. */
function matchResources(
  match: MatchResources = {},
  request: AdmissionRequest,
  { reader, scheme }: ParamDeps,
): Kind | undefined {
  const about = { request, matchPolicy: match.matchPolicy, scheme };
  const { resourceRules = [], excludeResourceRules = [] } = match;
  if (matchRules(excludeResourceRules, about)) return undefined;
  const kind = resourceRules.length === 0 ? request.kind : matchRules(resourceRules, about);
  if (!kind || !selectsObject(match.objectSelector, request)) return undefined;
  // Last: it fails for a namespace that does not exist, which is of interest only when all else fits.
  return selectsNamespace(match.namespaceSelector, request, reader) ? kind : undefined;
}
