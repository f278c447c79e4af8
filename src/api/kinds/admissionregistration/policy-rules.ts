import type { FieldError } from '../../kind.ts';
import type { MatchCondition, MatchResources, ParamKind, Variable } from '../../types.ts';
import { semanticallyEqual } from '../equality.ts';
import { invalid, notSupported, required } from '../field-error.ts';
import { eachAt } from '../paths.ts';
import { reportExpression } from './check-expression.ts';
import { conditionTypes, createPolicyCompiler, type PolicyCompiler } from './policy-expressions.ts';
import { checkConditions, checkMatchResources, checkParamKind, checkPolicies, defaultMatchResources } from './rules.ts';

/** What policies of both types have. */
export interface PolicySpec {
  failurePolicy?: string | undefined;
  matchConditions?: MatchCondition[] | undefined;
  matchConstraints?: MatchResources | undefined;
  paramKind?: ParamKind | undefined;
  variables?: Variable[] | undefined;
}

export function defaultPolicy(spec: PolicySpec): void {
  spec.failurePolicy ??= 'Fail';
  defaultMatchResources(spec.matchConstraints);
}

export interface PolicyCheck {
  /** Which operations rules may name; absent: all that there are. */
  readonly operations?: readonly string[];
  /** Match conditions that were stored before are not looked at again. */
  readonly old?: PolicySpec | undefined;
}

/** All but what makes each of the two types special; gives what the rest is compiled with. Source: admissionregistration/validation. */
export function checkPolicy(errors: FieldError[], spec: PolicySpec, { operations, old }: PolicyCheck): PolicyCompiler {
  const { failurePolicy, paramKind, matchConstraints, matchConditions, variables } = spec;
  const hasParams = paramKind !== undefined;
  checkPolicies(errors, 'spec', { failurePolicy });
  if (paramKind) checkParamKind(errors, 'spec.paramKind', paramKind);
  if (!matchConstraints) errors.push(required('spec.matchConstraints'));
  else {
    checkMatchResources(errors, 'spec.matchConstraints', matchConstraints);
    if (operations) checkOperations(errors, matchConstraints, operations);
    if (!matchConstraints.resourceRules?.length) errors.push(required('spec.matchConstraints.resourceRules'));
  }
  if (!isKnown(spec, old)) {
    // Variables are not for them.
    const alone = createPolicyCompiler({ hasParams });
    checkConditions(errors, 'spec.matchConditions', matchConditions, expression =>
      alone.compile(expression, { result: conditionTypes }),
    );
  }
  const compiler = createPolicyCompiler({ hasParams });
  eachAt('spec.variables', variables, (at, variable) => checkVariable(errors, at, { variable, compiler }));
  return compiler;
}

function isKnown(spec: PolicySpec, old: PolicySpec | undefined): boolean {
  if (!old) return false;
  return (
    semanticallyEqual(spec.matchConditions, old.matchConditions) && semanticallyEqual(spec.paramKind, old.paramKind)
  );
}

function checkOperations(errors: FieldError[], match: MatchResources, supported: readonly string[]): void {
  for (const list of ['resourceRules', 'excludeResourceRules'] as const) {
    eachAt(`spec.matchConstraints.${list}`, match[list], (path, rule) => {
      eachAt(`${path}.operations`, rule.operations, (at, operation) => {
        // What no kind of rule knows was reported already.
        if (operation === 'DELETE') errors.push(notSupported(at, operation, supported));
      });
    });
  }
}

interface VariableCheck {
  readonly variable: Variable;
  readonly compiler: PolicyCompiler;
}

function checkVariable(errors: FieldError[], path: string, { variable, compiler }: VariableCheck): void {
  const { name, expression } = variable;
  if (!name?.trim()) errors.push(required(`${path}.name`, 'name is not specified'));
  else if (!isCelIdentifier(name)) errors.push(invalid(`${path}.name`, name, 'name is not a valid CEL identifier'));
  if (!expression?.trim()) errors.push(required(`${path}.expression`, 'expression is not specified'));
  else reportExpression(errors, `${path}.expression`, compiler.addVariable(variable));
}

/** Words of CEL and those that it keeps for later. */
const reserved: ReadonlySet<string> = new Set([
  ...['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if'],
  ...['import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while'],
]);

function isCelIdentifier(name: string): boolean {
  return /^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) && !reserved.has(name);
}
