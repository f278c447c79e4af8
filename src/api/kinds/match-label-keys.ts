import type { LabelSelector, Pod, PodAffinityTerm, TopologySpreadConstraint } from '../types.ts';

/**
 * `matchLabelKeys` means: the same value as this pod has. The server writes the value into the selector when the pod is created, so that the
 * scheduler need not know of it. Source: KEP-3633 and KEP-3243.
 */
export function mergeMatchLabelKeys(pod: Pod): void {
  const labels = pod.metadata.labels;
  if (!labels) return;
  for (const term of affinityTermsOf(pod)) {
    mergeKeys(term, { keys: term.matchLabelKeys, operator: 'In', labels });
    mergeKeys(term, { keys: term.mismatchLabelKeys, operator: 'NotIn', labels });
  }
  for (const constraint of pod.spec.topologySpreadConstraints ?? []) {
    mergeKeys(constraint, { keys: constraint.matchLabelKeys, operator: 'In', labels });
  }
}

function affinityTermsOf(pod: Pod): PodAffinityTerm[] {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  return [podAffinity, podAntiAffinity].flatMap(affinity => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(term => term.podAffinityTerm),
  ]);
}

interface Merge {
  keys: readonly string[] | undefined;
  operator: 'In' | 'NotIn';
  labels: Record<string, string>;
}

function mergeKeys(owner: PodAffinityTerm | TopologySpreadConstraint, { keys, operator, labels }: Merge): void {
  if (!keys?.length || !owner.labelSelector) return;
  const expressions = [...(owner.labelSelector.matchExpressions ?? [])];
  for (const key of keys) {
    const value = labels[key];
    if (value !== undefined) expressions.push({ key, operator, values: [value] });
  }
  const merged: LabelSelector = { ...owner.labelSelector };
  if (expressions.length > 0) merged.matchExpressions = expressions;
  owner.labelSelector = merged;
}
