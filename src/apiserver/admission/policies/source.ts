import type { KubeObject, MatchResources, ParamRef, Resource } from '#api';
import type { ObjectReader } from '../../reader.ts';
import type { PolicySpec } from './compile.ts';

/** A policy of either type. */
export interface Policy extends KubeObject {
  readonly spec: PolicySpec;
}

/** A binding of either type. */
export interface Binding extends KubeObject {
  readonly spec: {
    readonly policyName?: string | undefined;
    readonly paramRef?: ParamRef | undefined;
    readonly matchResources?: MatchResources | undefined;
  };
}

/** A policy that at least one binding puts in force. */
export interface PolicyHook<P extends Policy = Policy, B extends Binding = Binding, E = unknown> {
  readonly policy: P;
  /** By name. */
  readonly bindings: readonly B[];
  readonly compiled: E;
}

export interface PolicySource<P extends Policy, B extends Binding, E> extends Disposable {
  /** By name of the policy. */
  hooks(): readonly PolicyHook<P, B, E>[];
}

export interface SourceOptions<P extends Policy, B extends Binding, E> {
  readonly reader: ObjectReader;
  readonly policies: Resource<P>;
  readonly bindings: Resource<B>;
  compile(policy: P): E;
}

/** Follows the store: a write that was answered counts for the next request. A policy is compiled once for each of its specs. */
export function createPolicySource<P extends Policy, B extends Binding, E>(
  options: SourceOptions<P, B, E>,
): PolicySource<P, B, E> {
  const { reader } = options;
  let hooks: readonly PolicyHook<P, B, E>[] | undefined;
  let compiled = new Map<string, E>();
  const forget = () => {
    hooks = undefined;
  };
  const watches = [reader.onChange(options.policies, forget), reader.onChange(options.bindings, forget)];
  const build = () => {
    const kept = new Map<string, E>();
    const byPolicy = Map.groupBy(reader.list(options.bindings).toSorted(byName), ({ spec }) => spec.policyName);
    const built: PolicyHook<P, B, E>[] = [];
    for (const policy of byPolicy.size > 0 ? reader.list(options.policies).toSorted(byName) : []) {
      const bindings = byPolicy.get(policy.metadata.name);
      if (!bindings) continue;
      const { uid, generation } = policy.metadata;
      const key = `${uid}/${generation}`;
      const ready = compiled.get(key) ?? options.compile(policy);
      kept.set(key, ready);
      built.push({ policy, bindings, compiled: ready });
    }
    compiled = kept;
    return built;
  };
  return {
    hooks: () => {
      hooks ??= build();
      return hooks;
    },
    [Symbol.dispose]() {
      for (const watch of watches) watch[Symbol.dispose]();
    },
  };
}

function byName(left: KubeObject, right: KubeObject): number {
  return left.metadata.name < right.metadata.name ? -1 : 1;
}
