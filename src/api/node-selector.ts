import type { Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod } from './types.ts';

/** True when one of the terms matches; a selector without terms matches nothing. */
export function matchesNodeSelector(selector: NodeSelector, node: Node): boolean {
  return selector.nodeSelectorTerms.some(term => matchesNodeTerm(term, node));
}

/** An empty term matches nothing, as upstream. */
export function matchesNodeTerm(term: NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  const labels = node.metadata.labels ?? {};
  return (
    expressions.every(requirement => matchesRequirement(requirement, labels[requirement.key])) &&
    fields.every(requirement =>
      matchesRequirement(requirement, requirement.key === 'metadata.name' ? node.metadata.name : undefined),
    )
  );
}

/** nodeSelector and the required node affinity of a pod, together. */
export function matchesPodNodeSelector(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  const wanted = Object.entries(pod.spec.nodeSelector ?? {});
  if (!wanted.every(([key, value]) => labels[key] === value)) return false;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || matchesNodeSelector(required, node);
}

function matchesRequirement(requirement: NodeSelectorRequirement, value: string | undefined): boolean {
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
    case 'Lt':
      return comparesNumbers(requirement.operator, value, values[0]);
    default:
      return false;
  }
}

function comparesNumbers(operator: 'Gt' | 'Lt', value: string | undefined, limit: string | undefined): boolean {
  if (!/^-?\d+$/.test(value ?? '') || !/^-?\d+$/.test(limit ?? '')) return false;
  return operator === 'Gt' ? BigInt(value!) > BigInt(limit!) : BigInt(value!) < BigInt(limit!);
}
