import type { FieldError } from '../kind.ts';
import type { LabelSelector, LabelSelectorRequirement } from '../types.ts';
import { forbidden, invalid, pushInvalid, required } from './field-error.ts';
import { checkLabelValue, checkQualifiedName } from './name-rules.ts';

/** Keys and values of labels; upstream reports each under the map itself. */
export function checkLabels(errors: FieldError[], path: string, labels: Record<string, string> | undefined): void {
  for (const key in labels) {
    const keyMessages = checkQualifiedName(key);
    if (keyMessages.length > 0) pushInvalid(errors, path, key, keyMessages);
    const value = labels[key]!;
    const valueMessages = checkLabelValue(value);
    if (valueMessages.length > 0) pushInvalid(errors, path, value, valueMessages);
  }
}

/** A selector of a spec; a missing one is fine here. */
export function checkLabelSelector(errors: FieldError[], path: string, selector: LabelSelector | undefined): void {
  if (!selector) return;
  checkLabels(errors, `${path}.matchLabels`, selector.matchLabels);
  (selector.matchExpressions ?? []).forEach((requirement, index) => {
    checkRequirement(errors, `${path}.matchExpressions[${index}]`, requirement);
  });
}

function checkRequirement(errors: FieldError[], path: string, requirement: LabelSelectorRequirement): void {
  const count = requirement.values?.length ?? 0;
  if (requirement.operator === 'In' || requirement.operator === 'NotIn') {
    if (count === 0) errors.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (requirement.operator === 'Exists' || requirement.operator === 'DoesNotExist') {
    if (count > 0) {
      errors.push(forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
  } else {
    errors.push(invalid(`${path}.operator`, requirement.operator ?? '', 'not a valid selector operator'));
  }
  pushInvalid(errors, `${path}.key`, requirement.key, checkQualifiedName(requirement.key));
  (requirement.values ?? []).forEach((value, index) => {
    pushInvalid(errors, `${path}.values[${index}]`, value, checkLabelValue(value));
  });
}

/** True for a selector that matches everything, or none at all. */
export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions?.length ?? 0) === 0;
}

/** Does a selector match? Requirements that are wrong match nothing. */
export function selectorMatches(selector: LabelSelector, labels: Record<string, string> | undefined): boolean {
  for (const key in selector.matchLabels) if (labels?.[key] !== selector.matchLabels[key]) return false;
  return (selector.matchExpressions ?? []).every(requirement => requirementMatches(requirement, labels ?? {}));
}

function requirementMatches(requirement: LabelSelectorRequirement, labels: Record<string, string>): boolean {
  const value = labels[requirement.key];
  const listed = value !== undefined && (requirement.values ?? []).includes(value);
  if (requirement.operator === 'In') return listed;
  if (requirement.operator === 'NotIn') return !listed;
  if (requirement.operator === 'Exists') return value !== undefined;
  return requirement.operator === 'DoesNotExist' && value === undefined;
}

/** As `kubectl get -o wide` shows it: `a=b,c in (d,e),!f`; `<none>` without, `<invalid>` when wrong. */
export function formatSelector(selector: LabelSelector | undefined): string {
  const errors: FieldError[] = [];
  checkLabelSelector(errors, '', selector);
  if (errors.length > 0) return '<invalid>';
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` }));
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values }) => {
    const list = `(${[...(values ?? [])].sort().join(',')})`;
    const texts: Record<string, string> = {
      In: `${key} in ${list}`,
      NotIn: `${key} notin ${list}`,
      Exists: key,
      DoesNotExist: `!${key}`,
    };
    return { key, text: texts[operator] ?? '' };
  });
  const parts = [...labels, ...expressions].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return parts.length === 0 ? '<none>' : parts.map(part => part.text).join(',');
}
