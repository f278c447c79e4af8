import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { MutatingAdmissionPolicy, Mutation } from '../../types.ts';
import { countGeneration } from '../behaviour.ts';
import { ageColumn, count, nameColumn, text } from '../columns.ts';
import { invalid, notSupported, required } from '../field-error.ts';
import { eachAt } from '../paths.ts';
import { reportExpression } from './check-expression.ts';
import { applyConfigurationType, jsonPatchType, type PolicyCompiler } from './policy-expressions.ts';
import { checkPolicy, defaultPolicy } from './policy-rules.ts';

const patchTypes: readonly string[] = ['ApplyConfiguration', 'JSONPatch'];
const reinvocations: readonly string[] = ['IfNeeded', 'Never'];
/** Nothing can be changed about what is deleted. */
const operations: readonly string[] = ['*', 'CONNECT', 'CREATE', 'UPDATE'];

function validate(object: MutatingAdmissionPolicy, old?: MutatingAdmissionPolicy): FieldError[] {
  const errors: FieldError[] = [];
  const spec = object.spec ?? {};
  const compiler = checkPolicy(errors, spec, { operations, old: old?.spec });
  if (!spec.mutations?.length) errors.push(required('spec.mutations', 'mutations must contain at least one item'));
  eachAt('spec.mutations', spec.mutations, (at, mutation) => checkMutation(errors, at, { mutation, compiler }));
  const policy = spec.reinvocationPolicy;
  if (!policy) errors.push(required('spec.reinvocationPolicy'));
  else if (!reinvocations.includes(policy)) errors.push(notSupported('spec.reinvocationPolicy', policy, reinvocations));
  return errors;
}

function checkMutation(
  errors: FieldError[],
  path: string,
  { mutation, compiler }: { mutation: Mutation; compiler: PolicyCompiler },
): void {
  const { patchType, applyConfiguration, jsonPatch } = mutation;
  if (!patchType) errors.push(required(`${path}.patchType`));
  else if (!patchTypes.includes(patchType)) errors.push(notSupported(`${path}.patchType`, patchType, patchTypes));
  else {
    const isJson = patchType === 'JSONPatch';
    const [member, other] = isJson ? ['jsonPatch', 'applyConfiguration'] : ['applyConfiguration', 'jsonPatch'];
    const [patch, unwanted] = isJson ? [jsonPatch, applyConfiguration] : [applyConfiguration, jsonPatch];
    if (unwanted) {
      const detail = `must not be specified when patchType is ${patchType}`;
      errors.push(invalid(`${path}.${other}`, `{${other}}`, detail));
    }
    const expression = patch?.expression?.trim();
    const at = `${path}.${member}.expression`;
    if (!patch) errors.push(required(`${path}.${member}`, `must be specified when patchType is ${patchType}`));
    else if (!expression) errors.push(required(at, 'expression is not specified'));
    else {
      const result = [isJson ? jsonPatchType : applyConfigurationType];
      reportExpression(errors, at, compiler.compile(expression, { result, isMutation: true }));
    }
  }
}

export const mutatingAdmissionPolicy: KindBehaviour<MutatingAdmissionPolicy> = {
  categories: ['api-extensions'],
  defaults(draft) {
    draft.spec ??= {};
    defaultPolicy(draft.spec);
  },
  prepareCreate(draft) {
    draft.metadata.generation = 1;
  },
  prepareUpdate: countGeneration,
  validateCreate: object => validate(object),
  validateUpdate: validate,
  columns: [
    nameColumn,
    count(
      'Mutations',
      'Mutation indicates the number of mutations rules defined in this configuration',
      o => o.spec?.mutations?.length,
    ),
    text('ParamKind', 'ParamKind specifies the kind of resources used to parameterize this policy', o => {
      return o.spec?.paramKind ? `${o.spec.paramKind.apiVersion}/${o.spec.paramKind.kind}` : '<unset>';
    }),
    ageColumn,
  ],
};
