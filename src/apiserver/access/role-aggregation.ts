import type { ClusterRole, LabelSelector, PolicyRule } from '#api';

/**
 * The rules of an aggregated role: its selectors' roles one after another, sorted by name, each rule once. Selected roles that aggregate themselves
 * are followed (edit is part of admin). Upstream's controller writes the same list into `rules`; here it needs no second write to take effect.
 */
export function aggregatedRules(role: ClusterRole, all: readonly ClusterRole[]): PolicyRule[] {
  const seen = new Set<string>();
  const rules = new Map<string, PolicyRule>();
  const visit = (current: ClusterRole) => {
    if (seen.has(current.metadata.name)) return;
    seen.add(current.metadata.name);
    if (!current.aggregationRule) {
      for (const rule of current.rules ?? []) rules.set(JSON.stringify(rule), rule);
      return;
    }
    const selectors = current.aggregationRule.clusterRoleSelectors ?? [];
    const parts = all.filter(other => selectors.some(selector => selects(selector, other.metadata.labels ?? {})));
    parts.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)).forEach(visit);
  };
  visit(role);
  return [...rules.values()];
}

function selects(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const pairs = Object.entries(selector.matchLabels ?? {});
  const expressions = selector.matchExpressions ?? [];
  return (
    pairs.every(([key, value]) => labels[key] === value) &&
    expressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      if (operator === 'In') return value !== undefined && values.includes(value);
      return operator === 'NotIn' && (value === undefined || !values.includes(value));
    })
  );
}
