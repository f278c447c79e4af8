import type { PolicyRule } from '#api';
import type { Attributes } from '../access.ts';

/** Whether a rule allows what is asked (upstream's RBAC semantics). */
export function ruleAllows(rule: PolicyRule, asked: Attributes): boolean {
  if (!matches(rule.verbs, asked.verb)) return false;
  if (asked.resource === undefined) return matchesUrl(rule.nonResourceURLs, asked.path ?? '');
  return (
    matches(rule.apiGroups, asked.group ?? '') &&
    matchesResource(rule.resources, asked.resource, asked.subresource ?? '') &&
    matchesName(rule.resourceNames, asked.name ?? '')
  );
}

function matches(listed: readonly string[] | undefined, value: string): boolean {
  return listed !== undefined && (listed.includes('*') || listed.includes(value));
}

/** `pods`, `pods/log`, any resource with a subresource (star, slash, subresource), or `*` for everything. */
function matchesResource(listed: readonly string[] | undefined, resource: string, subresource: string): boolean {
  if (!listed) return false;
  const combined = subresource ? `${resource}/${subresource}` : resource;
  if (listed.includes('*') || listed.includes(combined)) return true;
  return subresource !== '' && listed.includes(`*/${subresource}`);
}

/** An empty list means every name. A request without a name (list, create) never matches a list of names. */
function matchesName(listed: readonly string[] | undefined, name: string): boolean {
  return !listed?.length || listed.includes(name);
}

function matchesUrl(listed: readonly string[] | undefined, path: string): boolean {
  return (listed ?? []).some(url => {
    if (url === '*' || url === path) return true;
    return url.endsWith('*') && path.startsWith(url.slice(0, -1));
  });
}
