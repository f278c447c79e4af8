import type { Namespace, PersistentVolume, PersistentVolumeClaim, Pod } from '#api';
import type { Informer } from '#client';
import type { NodeState } from './node-state.ts';

/** Why a pod cannot go to a node. */
export interface Refusal {
  /** As upstream words it: `Insufficient cpu`. Counted over nodes for the event. */
  reasons: readonly string[];
  /** True when removing pods from the node cannot help, so that preemption need not look. */
  final: boolean;
}

/** What is the same for every node while one pod is being placed. */
export interface Cycle {
  readonly pod: Pod;
  readonly nodes: readonly NodeState[];
  /** Labels of a namespace; empty when unknown. */
  namespaceLabels(name: string): Readonly<Record<string, string>>;
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
}

/** Prepared for one cycle: asks about one node after the other. */
export interface PreparedFilter {
  check(state: NodeState): Refusal | undefined;
}

export interface PreparedScore {
  /** Any number; higher is better unless the plugin says otherwise in normalize. */
  score(state: NodeState): number;
}

/** One consideration in placing pods. Pure: looks at the cycle, keeps nothing. */
export interface SchedulerPlugin {
  /** Upstream's name. */
  readonly name: string;
  /** Undefined result: nothing to say about this pod. A thrown PodRefusal ends the cycle for all nodes. */
  filter?(cycle: Cycle): PreparedFilter | undefined;
  score?: {
    readonly weight: number;
    /** How raw scores become 0..100: as they are, stretched to the highest, or stretched and reversed (low is good). */
    readonly normalize: 'none' | 'max' | 'reverse' | 'min-max';
    prepare(cycle: Cycle): PreparedScore | undefined;
  };
}

/** Refuses a pod for all nodes at once. */
export class PodRefusal extends Error {
  override readonly name = 'PodRefusal';
}

export interface Lookups {
  namespaces: Informer<Namespace>;
  claims: Informer<PersistentVolumeClaim>;
  volumes: Informer<PersistentVolume>;
}

export function createCycle(pod: Pod, nodes: readonly NodeState[], lookups: Lookups): Cycle {
  return {
    pod,
    nodes,
    namespaceLabels: name => lookups.namespaces.get(undefined, name)?.metadata.labels ?? {},
    claim: (namespace, name) => lookups.claims.get(namespace, name),
    volume: name => lookups.volumes.get(undefined, name),
  };
}
