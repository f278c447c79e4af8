import { matchesLabelSelector, type Pod, type PodAffinityTerm, type WeightedPodAffinityTerm } from '#api';
import type { NodeState } from '../node-state.ts';
import type { Cycle, SchedulerPlugin } from '../plugin.ts';

/** Counts of pods by `key=value` of the topology labels that their nodes have. */
type DomainCounts = Map<string, number>;

/** Pods that want to be near others or away from them; the wish of pods that already run is respected too. */
export const interPodAffinity: SchedulerPlugin = {
  name: 'InterPodAffinity',
  filter: cycle => {
    const { pod } = cycle;
    const near = requiredTerms(pod, 'podAffinity');
    const away = requiredTerms(pod, 'podAntiAffinity');
    const nearCounts = near.map(term => countDomains(cycle, [term], other => matchesNodeTerm(cycle, pod, term, other)));
    const awayCounts = countTerms(cycle, away);
    const forbidden = existingAntiAffinity(cycle);
    if (near.length === 0 && away.length === 0 && forbidden.size === 0) return undefined;
    // The first pod of a group that wants to be near its own kind may go anywhere.
    const isFirst =
      nearCounts.every(counts => counts.size === 0) && near.every(term => matchesNodeTerm(cycle, pod, term, pod));
    return {
      check: ({ node }) => {
        const labels = node.metadata.labels ?? {};
        const isNear = near.every((term, index) => {
          const value = labels[term.topologyKey];
          if (value === undefined) return false;
          return isFirst || (nearCounts[index]!.get(`${term.topologyKey}=${value}`) ?? 0) > 0;
        });
        if (!isNear) return { reasons: ["node(s) didn't match pod affinity rules"], final: true };
        const domains = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
        if (domains.some(domain => awayCounts.has(domain))) {
          return { reasons: ["node(s) didn't match pod anti-affinity rules"], final: false };
        }
        if (domains.some(domain => forbidden.has(domain))) {
          return { reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"], final: false };
        }
        return undefined;
      },
    };
  },
  score: {
    weight: 2,
    normalize: 'min-max',
    prepare: cycle => {
      const weights = preferredWeights(cycle);
      if (weights.size === 0) return undefined;
      return {
        score: ({ node }) =>
          Object.entries(node.metadata.labels ?? {}).reduce(
            (sum, [key, value]) => sum + (weights.get(`${key}=${value}`) ?? 0),
            0,
          ),
      };
    },
  },
};

/** Weight of an existing pod's required affinity towards the new pod (upstream's HardPodAffinityWeight). */
const hardAffinityWeight = 1;

function requiredTerms(pod: Pod, kind: 'podAffinity' | 'podAntiAffinity'): PodAffinityTerm[] {
  return pod.spec.affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
}

function preferredTerms(pod: Pod, kind: 'podAffinity' | 'podAntiAffinity'): WeightedPodAffinityTerm[] {
  return pod.spec.affinity?.[kind]?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
}

function countTerms(cycle: Cycle, terms: readonly PodAffinityTerm[]): DomainCounts {
  const total: DomainCounts = new Map();
  for (const term of terms) {
    for (const [domain, count] of countDomains(cycle, [term], other =>
      matchesNodeTerm(cycle, cycle.pod, term, other),
    )) {
      total.set(domain, (total.get(domain) ?? 0) + count);
    }
  }
  return total;
}

function countDomains(cycle: Cycle, terms: readonly PodAffinityTerm[], selects: (pod: Pod) => boolean): DomainCounts {
  const counts: DomainCounts = new Map();
  for (const state of cycle.nodes) {
    const matching = state.pods.filter(selects).length;
    if (matching === 0) continue;
    for (const term of terms) addDomain(counts, state, term.topologyKey, matching);
  }
  return counts;
}

/** Domains from which pods that run already keep the new pod away. */
function existingAntiAffinity(cycle: Cycle): DomainCounts {
  const counts: DomainCounts = new Map();
  for (const state of cycle.nodes) {
    for (const other of state.pods) {
      for (const term of requiredTerms(other, 'podAntiAffinity')) {
        if (matchesNodeTerm(cycle, other, term, cycle.pod)) addDomain(counts, state, term.topologyKey, 1);
      }
    }
  }
  return counts;
}

/** What each domain is worth to the new pod, by its own wishes and those of the pods that run. */
function preferredWeights(cycle: Cycle): DomainCounts {
  const { pod } = cycle;
  const weights: DomainCounts = new Map();
  const consider = (state: NodeState, owner: Pod, other: Pod, term: PodAffinityTerm, weight: number) => {
    if (matchesNodeTerm(cycle, owner, term, other)) addDomain(weights, state, term.topologyKey, weight);
  };
  for (const state of cycle.nodes) {
    for (const other of state.pods) {
      for (const { podAffinityTerm, weight } of preferredTerms(pod, 'podAffinity'))
        consider(state, pod, other, podAffinityTerm, weight);
      for (const { podAffinityTerm, weight } of preferredTerms(pod, 'podAntiAffinity'))
        consider(state, pod, other, podAffinityTerm, -weight);
      for (const term of requiredTerms(other, 'podAffinity')) consider(state, other, pod, term, hardAffinityWeight);
      for (const { podAffinityTerm, weight } of preferredTerms(other, 'podAffinity'))
        consider(state, other, pod, podAffinityTerm, weight);
      for (const { podAffinityTerm, weight } of preferredTerms(other, 'podAntiAffinity'))
        consider(state, other, pod, podAffinityTerm, -weight);
    }
  }
  return weights;
}

function addDomain(counts: DomainCounts, { node }: NodeState, key: string, by: number): void {
  const value = node.metadata.labels?.[key];
  if (value !== undefined) counts.set(`${key}=${value}`, (counts.get(`${key}=${value}`) ?? 0) + by);
}

/** True when a term of `owner` selects `other`. No selector selects nothing; no namespaces means the owner's own. */
function matchesNodeTerm(cycle: Cycle, owner: Pod, term: PodAffinityTerm, other: Pod): boolean {
  const namespace = other.metadata.namespace!;
  const named = term.namespaces?.includes(namespace) ?? false;
  const selected =
    term.namespaceSelector !== undefined &&
    matchesLabelSelector(term.namespaceSelector, cycle.namespaceLabels(namespace));
  const own =
    !term.namespaces?.length && term.namespaceSelector === undefined && namespace === owner.metadata.namespace;
  if (!(named || selected || own) || !term.labelSelector) return false;
  const [labels, ownerLabels] = [other.metadata.labels ?? {}, owner.metadata.labels ?? {}];
  return (
    matchesLabelSelector(term.labelSelector, labels) &&
    (term.matchLabelKeys ?? []).every(key => !(key in ownerLabels) || labels[key] === ownerLabels[key]) &&
    (term.mismatchLabelKeys ?? []).every(
      key => !(key in ownerLabels) || (key in labels && labels[key] !== ownerLabels[key]),
    )
  );
}
