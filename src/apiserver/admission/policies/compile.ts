import {
  annotationTypes,
  applyConfigurationType,
  type CompiledExpression,
  conditionTypes,
  createPolicyCompiler,
  jsonPatchType,
  type MutatingAdmissionPolicy,
  type PolicyCompiler,
  type ValidatingAdmissionPolicy,
  type Validation,
} from '#api';
import type { NamedExpression } from './activation.ts';

/** What policies of both types have. */
export type PolicySpec = Pick<
  ValidatingAdmissionPolicy['spec'],
  'failurePolicy' | 'matchConditions' | 'matchConstraints' | 'paramKind' | 'variables'
>;

export interface CompiledPolicy {
  readonly conditions: readonly CompiledExpression[];
  readonly variables: readonly NamedExpression[];
}

export interface CompiledValidation {
  readonly validation: Validation;
  readonly compiled: CompiledExpression;
  readonly message: CompiledExpression | undefined;
}

export interface CompiledValidatingPolicy extends CompiledPolicy {
  readonly validations: readonly CompiledValidation[];
  readonly annotations: readonly { readonly key: string; readonly compiled: CompiledExpression }[];
}

export interface CompiledMutation {
  readonly isJsonPatch: boolean;
  readonly compiled: CompiledExpression;
}

export interface CompiledMutatingPolicy extends CompiledPolicy {
  readonly mutations: readonly CompiledMutation[];
}

/** What does not compile (it was written when more did) is a problem when it is evaluated. */
export function compileValidatingPolicy({ spec }: ValidatingAdmissionPolicy): CompiledValidatingPolicy {
  const { compiler, ...compiled } = compilePolicy(spec);
  const messageTypes = annotationTypes.slice(0, 1);
  return {
    ...compiled,
    validations: (spec.validations ?? []).map(validation => ({
      validation,
      compiled: compiler.compile(validation.expression, { result: conditionTypes }),
      message: validation.messageExpression
        ? compiler.compile(validation.messageExpression, { result: messageTypes, hasAuthorizer: false })
        : undefined,
    })),
    annotations: (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      key,
      compiled: compiler.compile(valueExpression.trim(), { result: annotationTypes }),
    })),
  };
}

export function compileMutatingPolicy({ spec }: MutatingAdmissionPolicy): CompiledMutatingPolicy {
  const { compiler, ...compiled } = compilePolicy(spec);
  return {
    ...compiled,
    mutations: (spec.mutations ?? []).map(({ patchType, jsonPatch, applyConfiguration }) => {
      const isJsonPatch = patchType === 'JSONPatch';
      const expression = (isJsonPatch ? jsonPatch : applyConfiguration)?.expression ?? '';
      const result = [isJsonPatch ? jsonPatchType : applyConfigurationType];
      return { isJsonPatch, compiled: compiler.compile(expression.trim(), { result, isMutation: true }) };
    }),
  };
}

function compilePolicy(spec: PolicySpec): CompiledPolicy & { compiler: PolicyCompiler } {
  const compiler = createPolicyCompiler({ hasParams: spec.paramKind !== undefined });
  const variables = (spec.variables ?? []).map(variable => ({
    name: variable.name,
    compiled: compiler.addVariable(variable),
  }));
  const conditions = (spec.matchConditions ?? []).map(({ expression }) =>
    compiler.compile(expression, { result: conditionTypes }),
  );
  return { compiler, variables, conditions };
}
