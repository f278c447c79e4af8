import { boolType } from '../../cel/types.ts';
import type { FieldError } from '../../kind.ts';
import type { MatchCondition, MatchResources, ParamRef, RuleWithOperations } from '../../types.ts';
import { duplicate, forbidden, invalid, notSupported, pushInvalid, required, tooMany } from '../field-error.ts';
import { checkLabelSelector } from '../label-selector.ts';
import { checkPathSegment, checkQualifiedName } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { checkExpression, type ExpressionVariables } from './expressions.ts';

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
  checkNames(errors, `${path}.apiGroups`, rule.apiGroups);
  checkNames(errors, `${path}.apiVersions`, rule.apiVersions);
  checkNames(errors, `${path}.resources`, rule.resources);
  eachAt(`${path}.apiVersions`, rule.apiVersions, (at, version) => {
    if (!version) errors.push(required(at));
  });
  eachAt(`${path}.resources`, rule.resources, (at, resource) => {
    if (!resource) errors.push(required(at));
  });
  if (!rule.operations?.length) errors.push(required(`${path}.operations`));
  else if (rule.operations.length > 1 && rule.operations.includes('*')) {
    errors.push(invalid(`${path}.operations`, rule.operations, "if '*' is present, must not specify other operations"));
  }
  eachAt(`${path}.operations`, rule.operations, (at, operation) => {
    if (!operations.includes(operation)) errors.push(notSupported(at, operation, operations));
  });
  if (rule.scope !== undefined && !scopes.includes(rule.scope)) {
    errors.push(notSupported(`${path}.scope`, rule.scope, scopes));
  }
}

function checkNames(errors: FieldError[], path: string, names: readonly string[] | undefined): void {
  if (!names?.length) errors.push(required(path));
  else if (names.length > 1 && names.includes('*')) {
    const what = path.endsWith('apiGroups')
      ? 'API groups'
      : path.endsWith('apiVersions')
        ? 'API versions'
        : 'resources';
    if (what !== 'resources') errors.push(invalid(path, names, `if '*' is present, must not specify other ${what}`));
    else errors.push(invalid(path, names, "if '*' is present, must not specify other resources without subresources"));
  }
}

/** Conditions in CEL: named, not empty. The expressions are compiled by the server's admission. */
export function checkConditions(
  errors: FieldError[],
  path: string,
  conditions: readonly MatchCondition[] | undefined,
  variables?: ExpressionVariables,
): void {
  const names = new Set<string>();
  if ((conditions?.length ?? 0) > maxConditions) errors.push(tooMany(path, conditions!.length, maxConditions));
  eachAt(path, conditions, (at, { name, expression }) => {
    if (!expression?.trim()) errors.push(required(`${at}.expression`));
    else if (variables) checkExpression(errors, `${at}.expression`, { expression, variables, result: boolType });
    if (!name) errors.push(required(`${at}.name`));
    else pushInvalid(errors, `${at}.name`, name, checkQualifiedName(name));
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
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
  eachAt(`${path}.resourceRules`, match.resourceRules, (at, rule) => checkRule(errors, at, rule));
  eachAt(`${path}.excludeResourceRules`, match.excludeResourceRules, (at, rule) => checkRule(errors, at, rule));
}

/** Which object parametrizes a policy: by name or by selector. */
export function checkParamRef(errors: FieldError[], path: string, ref: ParamRef): void {
  if (ref.name) {
    pushInvalid(errors, `${path}.name`, ref.name, checkPathSegment(ref.name));
    if (ref.selector) errors.push(forbidden(`${path}.name`, 'name and selector are mutually exclusive'));
  } else if (!ref.selector) errors.push(required(path, 'one of name or selector must be specified'));
  checkLabelSelector(errors, `${path}.selector`, ref.selector);
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
