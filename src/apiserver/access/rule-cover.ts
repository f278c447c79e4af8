import type { PolicyRule } from '#api';

/**
 * The parts of `wanted` that `held` does not cover. Wanted rules are broken down to one verb, group, resource and name each, as upstream does, and
 * the missing ones are put together again where they differ in their verb alone.
 */
export function uncoveredRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  const missing = wanted.flatMap(rule => [...breakDown(rule)]).filter(part => !held.some(rule => covers(rule, part)));
  return compact(missing);
}

function* breakDown(rule: PolicyRule): Generator<PolicyRule> {
  const names = rule.resourceNames?.length ? rule.resourceNames : [undefined];
  for (const group of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs) {
        for (const name of names) {
          const base = { apiGroups: [group], resources: [resource], verbs: [verb] };
          yield name === undefined ? base : { ...base, resourceNames: [name] };
        }
      }
    }
  }
  for (const url of rule.nonResourceURLs ?? []) {
    for (const verb of rule.verbs) yield { nonResourceURLs: [url], verbs: [verb] };
  }
}

function covers(held: PolicyRule, part: PolicyRule): boolean {
  if (!hasAll(held.verbs, part.verbs)) return false;
  if (part.nonResourceURLs) return part.nonResourceURLs.every(url => coversUrl(held.nonResourceURLs ?? [], url));
  return (
    hasAll(held.apiGroups ?? [], part.apiGroups ?? []) &&
    (part.resources ?? []).every(resource => coversResource(held.resources ?? [], resource)) &&
    coversNames(held.resourceNames ?? [], part.resourceNames ?? [])
  );
}

function hasAll(held: readonly string[], wanted: readonly string[]): boolean {
  return held.includes('*') || wanted.every(value => held.includes(value));
}

function coversResource(held: readonly string[], wanted: string): boolean {
  if (held.includes('*') || held.includes(wanted)) return true;
  const [, subresource] = wanted.split('/');
  return subresource !== undefined && held.includes(`*/${subresource}`);
}

function coversNames(held: readonly string[], wanted: readonly string[]): boolean {
  if (held.length === 0) return true;
  return wanted.length > 0 && wanted.every(name => held.includes(name));
}

function coversUrl(held: readonly string[], wanted: string): boolean {
  return held.some(url => url === '*' || url === wanted || (url.endsWith('*') && wanted.startsWith(url.slice(0, -1))));
}

/** Rules for one resource without a name are joined over their verbs; others stay. */
function compact(rules: readonly PolicyRule[]): PolicyRule[] {
  const joined = new Map<string, PolicyRule>();
  for (const { verbs, ...rest } of rules) {
    const key = JSON.stringify(rest);
    const before = joined.get(rest.nonResourceURLs ? `${key}${verbs}` : key);
    joined.set(rest.nonResourceURLs ? `${key}${verbs}` : key, {
      ...rest,
      verbs: [...new Set([...(before?.verbs ?? []), ...verbs])],
    });
  }
  return [...joined.values()];
}
