import type { FieldError } from '../../kind.ts';
import type {
  MatchCondition,
  MatchResources,
  NamedRuleWithOperations,
  ParamKind,
  ParamRef,
  RuleWithOperations,
} from '../../types.ts';
import { duplicate, forbidden, invalid, notSupported, pushInvalid, required, tooMany } from '../field-error.ts';
import { checkLabelSelector } from '../label-selector.ts';
import { checkLabel1035, checkPathSegment, checkQualifiedName, checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { reportExpression } from './check-expression.ts';
import type { CompiledExpression } from './policy-expressions.ts';
import { checkRuleResources } from './rule-resources.ts';

const operations: readonly string[] = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const scopes: readonly string[] = ['*', 'Cluster', 'Namespaced'];
const matchPolicies: readonly string[] = ['Equivalent', 'Exact'];
const failurePolicies: readonly string[] = ['Fail', 'Ignore'];
const notFoundActions: readonly string[] = ['Deny', 'Allow'];
const maxConditions = 64;

/** `scope` of every rule: all. */
export function defaultRules(rules: readonly RuleWithOperations[] | undefined): void {
  for (const rule of rules ?? []) rule.scope ??= '*';
}

export function defaultMatchResources(match: MatchResources | undefined): void {
  if (!match) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  defaultRules(match.resourceRules);
  defaultRules(match.excludeResourceRules);
}

/** Which requests are meant: operations, groups, versions, resources. */
export function checkRule(errors: FieldError[], path: string, rule: RuleWithOperations): void {
  checkNames(errors, `${path}.operations`, rule.operations, 'operations');
  eachAt(`${path}.operations`, rule.operations, (at, operation) => {
    if (!operations.includes(operation)) errors.push(notSupported(at, operation, operations));
  });
  checkNames(errors, `${path}.apiGroups`, rule.apiGroups, 'API groups');
  checkNames(errors, `${path}.apiVersions`, rule.apiVersions, 'API versions');
  eachAt(`${path}.apiVersions`, rule.apiVersions, (at, version) => {
    if (!version) errors.push(required(at));
  });
  checkRuleResources(errors, `${path}.resources`, rule.resources);
  if (rule.scope !== undefined && !scopes.includes(rule.scope)) {
    errors.push(notSupported(`${path}.scope`, rule.scope, scopes));
  }
}

function checkNames(errors: FieldError[], path: string, names: readonly string[] | undefined, what: string): void {
  if (!names?.length) errors.push(required(path));
  else if (names.length > 1 && names.includes('*')) {
    errors.push(invalid(path, names, `if '*' is present, must not specify other ${what}`));
  }
}

/** Conditions in CEL: named, not empty, and compiling. */
export function checkConditions(
  errors: FieldError[],
  path: string,
  conditions: readonly MatchCondition[] | undefined,
  compile: (expression: string) => CompiledExpression,
): void {
  const names = new Set<string>();
  if ((conditions?.length ?? 0) > maxConditions) errors.push(tooMany(path, conditions!.length, maxConditions));
  eachAt(path, conditions, (at, { name, expression }) => {
    if (!expression?.trim()) errors.push(required(`${at}.expression`));
    else reportExpression(errors, `${at}.expression`, compile(expression.trim()));
    if (!name) errors.push(required(`${at}.name`));
    else pushInvalid(errors, `${at}.name`, name, checkQualifiedName(name));
    if (name && names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
  });
}

export function checkPolicies(
  errors: FieldError[],
  path: string,
  given: { failurePolicy?: string | undefined; matchPolicy?: string | undefined },
): void {
  if (given.failurePolicy !== undefined && !failurePolicies.includes(given.failurePolicy)) {
    errors.push(notSupported(`${path}.failurePolicy`, given.failurePolicy, failurePolicies));
  }
  if (given.matchPolicy !== undefined && !matchPolicies.includes(given.matchPolicy)) {
    errors.push(notSupported(`${path}.matchPolicy`, given.matchPolicy, matchPolicies));
  }
}

export function checkMatchResources(errors: FieldError[], path: string, match: MatchResources): void {
  checkPolicies(errors, path, { matchPolicy: match.matchPolicy });
  checkLabelSelector(errors, `${path}.namespaceSelector`, match.namespaceSelector);
  checkLabelSelector(errors, `${path}.objectSelector`, match.objectSelector);
  eachAt(`${path}.resourceRules`, match.resourceRules, (at, rule) => checkNamedRule(errors, at, rule));
  eachAt(`${path}.excludeResourceRules`, match.excludeResourceRules, (at, rule) => checkNamedRule(errors, at, rule));
}

function checkNamedRule(errors: FieldError[], path: string, rule: NamedRuleWithOperations): void {
  const seen = new Set<string>();
  eachAt(`${path}.resourceNames`, rule.resourceNames, (at, name) => {
    pushInvalid(errors, at, name, checkPathSegment(name));
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
  });
  checkRule(errors, path, rule);
}

/** What kind of objects parametrizes a policy. */
export function checkParamKind(errors: FieldError[], path: string, { apiVersion = '', kind = '' }: ParamKind): void {
  const parts = apiVersion.split('/');
  const [group, version] = parts.length === 1 ? ['', parts[0]!] : [parts[0]!, parts[1]!];
  const at = `${path}.apiVersion`;
  if (!apiVersion) errors.push(required(at));
  else if (parts.length > 2) errors.push(invalid(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  else {
    const groupProblems = group ? checkSubdomain(group) : [];
    if (groupProblems.length > 0) errors.push(invalid(at, group, groupProblems.join(',')));
    const versionProblems = checkLabel1035(version);
    if (!version) errors.push(invalid(at, apiVersion, 'version must be specified'));
    else if (versionProblems.length > 0) errors.push(invalid(at, version, versionProblems.join(',')));
  }
  const kindProblems = checkLabel1035(kind.toLowerCase());
  if (!kind) errors.push(required(`${path}.kind`));
  else if (kindProblems.length > 0) {
    const detail = `may have mixed case, but should otherwise match: ${kindProblems.join(',')}`;
    errors.push(invalid(`${path}.kind`, kind, detail));
  }
}

/** Which object parametrizes a policy: by name or by selector. */
export function checkParamRef(errors: FieldError[], path: string, ref: ParamRef): void {
  if (ref.name) {
    pushInvalid(errors, `${path}.name`, ref.name, checkPathSegment(ref.name));
    if (ref.selector) errors.push(forbidden(`${path}.name`, 'name and selector are mutually exclusive'));
  } else if (!ref.selector) errors.push(required(path, 'one of name or selector must be specified'));
  checkLabelSelector(errors, `${path}.selector`, ref.selector);
  if (ref.name && ref.selector) errors.push(forbidden(`${path}.selector`, 'name and selector are mutually exclusive'));
  const action = ref.parameterNotFoundAction;
  if (action === undefined) errors.push(required(`${path}.parameterNotFoundAction`));
  else if (!notFoundActions.includes(action)) {
    errors.push(notSupported(`${path}.parameterNotFoundAction`, action, notFoundActions));
  }
}

/** `*\/name`, `namespace/name`, or the selector. */
export function formatParamRef(ref: ParamRef | undefined): string {
  if (!ref) return '<unset>';
  if (ref.name) return `${ref.namespace || '*'}/${ref.name}`;
  return ref.selector ? JSON.stringify(ref.selector) : '<unset>';
}
