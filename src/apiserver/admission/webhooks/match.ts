import type { Kind, LabelSelector, NamedRuleWithOperations, Scheme } from '#api';
import { matchesLabelSelector, resources } from '#api';
import { notFound } from '../../access/refuse.ts';
import type { AdmissionRequest } from '../../admission.ts';
import type { ObjectReader } from '../../reader.ts';
import { isNamespaces, nameOf, namespaceOf } from './about.ts';
import type { Hook } from './configurations.ts';
import { matchesRule, type RuleSubject } from './rules.ts';

export interface MatchDeps {
  readonly reader: ObjectReader;
  readonly scheme: () => Scheme;
}

/** Never sent to webhooks: who breaks admission must be able to mend it. */
const exempt: ReadonlySet<string> = new Set([
  'validatingwebhookconfigurations',
  'mutatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
]);

export function isExempt({ kind }: AdmissionRequest): boolean {
  return kind.group === 'admissionregistration.k8s.io' && exempt.has(kind.resource);
}

/**
 * In which version the hook wants to hear of the request; undefined when its rules or selectors leave the request out. Match conditions are another matter.
 * Throws Status 404 for an object in a namespace that does not exist, when the hook selects namespaces.
 */
export function matchHook({ webhook }: Hook, request: AdmissionRequest, deps: MatchDeps): Kind | undefined {
  const wanted = matchRules(webhook.rules ?? [], { request, matchPolicy: webhook.matchPolicy, scheme: deps.scheme });
  if (!wanted) return undefined;
  return selectsNamespace(webhook.namespaceSelector, request, deps.reader) &&
    selectsObject(webhook.objectSelector, request)
    ? wanted
    : undefined;
}

export interface RuleMatch {
  readonly request: AdmissionRequest;
  readonly matchPolicy: string | undefined;
  readonly scheme: () => Scheme;
}

/** In which version of its kind the rules mean the request; undefined: they do not. */
export function matchRules(
  rules: readonly NamedRuleWithOperations[],
  { request, matchPolicy, scheme }: RuleMatch,
): Kind | undefined {
  const matches = (rule: NamedRuleWithOperations, kind: Kind) =>
    matchesRule(rule, subjectOf(request, kind)) && isNamed(rule, request);
  if (rules.some(rule => matches(rule, request.kind))) return request.kind;
  if (rules.length === 0 || matchPolicy === 'Exact') return undefined;
  const equivalents = equivalentsOf(scheme(), request);
  // Earlier rules count first, whichever version they name.
  for (const rule of rules) {
    const found = equivalents.find(kind => matches(rule, kind));
    if (found) return found;
  }
  return undefined;
}

function isNamed({ resourceNames }: NamedRuleWithOperations, request: AdmissionRequest): boolean {
  return !resourceNames?.length || resourceNames.includes(nameOf(request));
}

function subjectOf(request: AdmissionRequest, kind: Kind): RuleSubject {
  return {
    operation: request.operation,
    resource: kind,
    subresource: request.subresource,
    isNamespaced: !isNamespaces(request) && Boolean(request.namespace),
  };
}

/** The other versions, and groups, under which the same objects are served. */
function equivalentsOf(scheme: Scheme, { kind, subresource }: AdmissionRequest): readonly Kind[] {
  return scheme
    .kinds()
    .filter(
      other =>
        other.storagePrefix === kind.storagePrefix && (other.group !== kind.group || other.version !== kind.version),
    )
    .filter(other => subresource === '' || other.subresources.has(subresource));
}

function isEmpty(selector: LabelSelector | undefined): boolean {
  return !Object.keys(selector?.matchLabels ?? {}).length && !selector?.matchExpressions?.length;
}

/** Whether the namespace of the request, or the namespace that it is about, is selected. Throws Status 404 when there is none. */
export function selectsNamespace(
  selector: LabelSelector | undefined,
  request: AdmissionRequest,
  reader: ObjectReader,
): boolean {
  const namespace = namespaceOf(request);
  // Objects of the cluster are never left out, but for namespaces themselves.
  if ((!namespace && !isNamespaces(request)) || isEmpty(selector)) return true;
  const isWritten = isNamespaces(request) && request.subresource === '' && request.object !== undefined;
  if (isWritten) return matchesLabelSelector(selector, request.object?.metadata.labels ?? {});
  const home = reader.get(resources.namespaces, undefined, namespace || nameOf(request));
  if (!home) throw notFound(resources.namespaces, namespace);
  return matchesLabelSelector(selector, home.metadata.labels ?? {});
}

/** One of both is enough: what was selected before the write, and what is after it. */
export function selectsObject(selector: LabelSelector | undefined, { object, old }: AdmissionRequest): boolean {
  if (isEmpty(selector)) return true;
  return [object, old].some(side => side?.metadata && matchesLabelSelector(selector, side.metadata.labels ?? {}));
}
