import type { LabelSelector } from '#api';
import { matchesLabelSelector } from '#api';

type Labels = Readonly<Record<string, string>> | undefined;

/** Does the selector match the labels? As upstream: no selector matches nothing, an empty one everything. */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels): boolean {
  return matchesLabelSelector(selector, labels ?? {});
}

/** Are all of `wanted` among the labels? Nothing wanted matches. */
export function matchesLabels(wanted: Labels, labels: Labels): boolean {
  return Object.entries(wanted ?? {}).every(([key, value]) => labels?.[key] === value);
}

/** True for a selector that matches every object. */
export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return !Object.keys(selector?.matchLabels ?? {}).length && !selector?.matchExpressions?.length;
}
