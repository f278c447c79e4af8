import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { MutatingAdmissionPolicy } from '../../types.ts';
import { countGeneration } from '../behaviour.ts';
import { ageColumn, count, nameColumn, text } from '../columns.ts';
import { notSupported, required } from '../field-error.ts';
import { eachAt } from '../paths.ts';
import { checkConditions, checkMatchResources, checkPolicies, defaultMatchResources } from './rules.ts';

const patchTypes: readonly string[] = ['ApplyConfiguration', 'JSONPatch'];
const reinvocations: readonly string[] = ['IfNeeded', 'Never'];

function validate(object: MutatingAdmissionPolicy): FieldError[] {
  const errors: FieldError[] = [];
  const spec = object.spec ?? {};
  checkPolicies(errors, 'spec', { failurePolicy: spec.failurePolicy });
  if (!spec.matchConstraints) errors.push(required('spec.matchConstraints'));
  else {
    checkMatchResources(errors, 'spec.matchConstraints', spec.matchConstraints);
    if (!spec.matchConstraints.resourceRules?.length) errors.push(required('spec.matchConstraints.resourceRules'));
  }
  checkConditions(errors, 'spec.matchConditions', spec.matchConditions);
  if (!spec.mutations?.length) errors.push(required('spec.mutations', 'mutations must contain at least one item'));
  eachAt('spec.mutations', spec.mutations, (at, { patchType, applyConfiguration, jsonPatch }) => {
    if (!patchTypes.includes(patchType)) errors.push(notSupported(`${at}.patchType`, patchType, patchTypes));
    const [member, patch] =
      patchType === 'JSONPatch'
        ? (['jsonPatch', jsonPatch] as const)
        : (['applyConfiguration', applyConfiguration] as const);
    if (!patch) errors.push(required(`${at}.${member}`));
    else if (!patch.expression?.trim())
      errors.push(required(`${at}.${member}.expression`, 'expression is not specified'));
  });
  const policy = spec.reinvocationPolicy;
  if (!policy) errors.push(required('spec.reinvocationPolicy'));
  else if (!reinvocations.includes(policy)) errors.push(notSupported('spec.reinvocationPolicy', policy, reinvocations));
  return errors;
}

export const mutatingAdmissionPolicy: KindBehaviour<MutatingAdmissionPolicy> = {
  categories: ['api-extensions'],
  defaults(draft) {
    draft.spec ??= {};
    draft.spec.failurePolicy ??= 'Fail';
    defaultMatchResources(draft.spec.matchConstraints);
  },
  prepareCreate(draft) {
    draft.metadata.generation = 1;
  },
  prepareUpdate: countGeneration,
  validateCreate: validate,
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
