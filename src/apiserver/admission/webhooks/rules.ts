import type { RuleWithOperations } from '#api';
import type { About } from './about.ts';

/** What a rule is held against. */
export interface RuleSubject {
  readonly operation: string;
  readonly resource: About['resource'];
  readonly subresource: string;
  /** True for what lives in a namespace; namespaces themselves do not. */
  readonly isNamespaced: boolean;
}

/** Source: apiserver/pkg/admission/plugin/webhook/predicates/rules. */
export function matchesRule(
  rule: RuleWithOperations,
  { operation, resource, subresource, isNamespaced }: RuleSubject,
): boolean {
  return (
    matchesScope(rule.scope, isNamespaced) &&
    isListed(rule.operations, operation) &&
    isListed(rule.apiGroups, resource.group) &&
    isListed(rule.apiVersions, resource.version) &&
    (rule.resources ?? []).some(text => matchesResource(text, resource.resource, subresource))
  );
}

function matchesScope(scope: string | undefined, isNamespaced: boolean): boolean {
  if (scope === undefined || scope === '*') return true;
  return scope === (isNamespaced ? 'Namespaced' : 'Cluster');
}

function isListed(listed: readonly string[] | undefined, wanted: string): boolean {
  return listed?.some(text => text === '*' || text === wanted) === true;
}

/** `pods`, `pods/status`, `pods/*`, `*`, `*\/scale`, `*\/*`: without a slash only the object itself is meant. */
function matchesResource(text: string, resource: string, subresource: string): boolean {
  const slash = text.indexOf('/');
  const [wanted, wantedPart] = slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash + 1)];
  return (wanted === '*' || wanted === resource) && (wantedPart === '*' || wantedPart === subresource);
}
