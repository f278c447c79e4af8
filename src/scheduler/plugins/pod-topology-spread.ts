import {
  matchesLabelSelector,
  matchesPodNodeSelector,
  type Pod,
  type TopologySpreadConstraint,
  untolerated,
} from '#api';
import type { NodeState } from '../node-state.ts';
import type { Cycle, SchedulerPlugin } from '../plugin.ts';

/** maxSkew and friends: DoNotSchedule refuses, ScheduleAnyway prefers the domains with fewer pods (KEP-895, 3022, 3094, 3243). */
export const podTopologySpread: SchedulerPlugin = {
  name: 'PodTopologySpread',
  filter: cycle => {
    const constraints = constraintsOf(cycle.pod, 'DoNotSchedule');
    if (constraints.length === 0) return undefined;
    const counted = constraints.map(constraint => ({ constraint, ...countDomains(cycle, constraint) }));
    return {
      check: ({ node }) => {
        for (const { constraint, counts, lowest, matchesSelf } of counted) {
          const domain = node.metadata.labels?.[constraint.topologyKey];
          if (domain === undefined) {
            return {
              reasons: ["node(s) didn't match pod topology spread constraints (missing required label)"],
              final: true,
            };
          }
          if ((counts.get(domain) ?? 0) + (matchesSelf ? 1 : 0) - lowest > constraint.maxSkew) {
            return { reasons: ["node(s) didn't match pod topology spread constraints"], final: false };
          }
        }
        return undefined;
      },
    };
  },
  score: {
    weight: 2,
    normalize: 'reverse',
    prepare: cycle => {
      const constraints = constraintsOf(cycle.pod, 'ScheduleAnyway');
      if (constraints.length === 0) return undefined;
      const counted = constraints.map(constraint => ({ constraint, ...countDomains(cycle, constraint) }));
      return {
        score: ({ node }) =>
          counted.reduce((sum, { constraint, counts }) => {
            const domain = node.metadata.labels?.[constraint.topologyKey];
            // More domains weigh more, so that zones do not drown host names (upstream: log(size + 2)).
            return sum + (domain === undefined ? 0 : (counts.get(domain) ?? 0) * Math.log(counts.size + 2));
          }, 0),
      };
    },
  },
};

function constraintsOf(pod: Pod, action: string): TopologySpreadConstraint[] {
  return (pod.spec.topologySpreadConstraints ?? []).filter(constraint => constraint.whenUnsatisfiable === action);
}

/** Matching pods by domain, and the lowest count among the domains that count. */
function countDomains(cycle: Cycle, constraint: TopologySpreadConstraint) {
  const selects = podSelectorOf(cycle.pod, constraint);
  const counts = new Map<string, number>();
  for (const state of cycle.nodes) {
    const domain = state.node.metadata.labels?.[constraint.topologyKey];
    if (domain === undefined || !isEligible(cycle.pod, state, constraint)) continue;
    const matching = state.pods.filter(
      pod => pod.metadata.namespace === cycle.pod.metadata.namespace && !pod.metadata.deletionTimestamp && selects(pod),
    );
    counts.set(domain, (counts.get(domain) ?? 0) + matching.length);
  }
  const enough = counts.size >= (constraint.minDomains ?? 1);
  const lowest = enough && counts.size > 0 ? Math.min(...counts.values()) : 0;
  return { counts, lowest, matchesSelf: selects(cycle.pod) };
}

function podSelectorOf(pod: Pod, constraint: TopologySpreadConstraint): (other: Pod) => boolean {
  const labels = pod.metadata.labels ?? {};
  const keys = (constraint.matchLabelKeys ?? []).filter(key => key in labels);
  return other =>
    constraint.labelSelector !== undefined &&
    matchesLabelSelector(constraint.labelSelector, other.metadata.labels ?? {}) &&
    keys.every(key => other.metadata.labels?.[key] === labels[key]);
}

/** nodeAffinityPolicy (default Honor) and nodeTaintsPolicy (default Ignore). */
function isEligible(pod: Pod, { node }: NodeState, constraint: TopologySpreadConstraint): boolean {
  if ((constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor' && !matchesPodNodeSelector(pod, node)) return false;
  if (constraint.nodeTaintsPolicy !== 'Honor') return true;
  return !untolerated(node.spec.taints, pod.spec.tolerations, ['NoSchedule', 'NoExecute']);
}
