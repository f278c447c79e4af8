import type { LabelSelector, LabelSelectorRequirement } from '#api';

type Labels = Readonly<Record<string, string>> | undefined;

/** Does the selector match the labels? As upstream: no selector matches nothing, an empty one everything. */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (!selector) return false;
  return (
    matchesLabels(selector.matchLabels, labels) &&
    (selector.matchExpressions ?? []).every(requirement => matchesRequirement(requirement, labels ?? {}))
  );
}

/** Are all of `wanted` among the labels? Nothing wanted matches. */
export function matchesLabels(wanted: Labels, labels: Labels): boolean {
  return Object.entries(wanted ?? {}).every(([key, value]) => labels?.[key] === value);
}

/** True for a selector that matches every object. */
export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return !Object.keys(selector?.matchLabels ?? {}).length && !selector?.matchExpressions?.length;
}

function matchesRequirement({ key, operator, values }: LabelSelectorRequirement, labels: NonNullable<Labels>): boolean {
  const value = labels[key];
  const listed = value !== undefined && (values ?? []).includes(value);
  if (operator === 'In') return listed;
  if (operator === 'NotIn') return !listed;
  if (operator === 'Exists') return value !== undefined;
  return operator === 'DoesNotExist' && value === undefined;
}
