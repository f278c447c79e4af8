import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { ValidatingAdmissionPolicyBinding } from '../../types.ts';
import { countGeneration } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { duplicate, invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { checkMatchResources, checkParamRef, defaultMatchResources, formatParamRef } from './rules.ts';

const actions: readonly string[] = ['Audit', 'Deny', 'Warn'];

function validate(object: ValidatingAdmissionPolicyBinding): FieldError[] {
  const errors: FieldError[] = [];
  const { policyName, paramRef, matchResources, validationActions } = object.spec ?? {};
  if (!policyName) errors.push(required('spec.policyName'));
  else pushInvalid(errors, 'spec.policyName', policyName, checkSubdomain(policyName));
  if (paramRef) checkParamRef(errors, 'spec.paramRef', paramRef);
  if (matchResources) checkMatchResources(errors, 'spec.matchResouces', matchResources);
  if (!validationActions?.length)
    errors.push(required('spec.validationActions', 'at least one validation action is required'));
  const seen = new Set<string>();
  eachAt('spec.validationActions', validationActions, (at, action) => {
    if (!actions.includes(action)) errors.push(notSupported(at, action, actions));
    if (seen.has(action)) errors.push(duplicate(at, action));
    seen.add(action);
  });
  if (seen.has('Deny') && seen.has('Warn')) {
    const detail =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
    errors.push(invalid('spec.validationActions', validationActions, detail));
  }
  return errors;
}

export const validatingAdmissionPolicyBinding: KindBehaviour<ValidatingAdmissionPolicyBinding> = {
  categories: ['api-extensions'],
  defaults: draft => defaultMatchResources(draft.spec?.matchResources),
  prepareCreate(draft) {
    draft.metadata.generation = 1;
  },
  prepareUpdate: countGeneration,
  validateCreate: validate,
  validateUpdate: validate,
  columns: [
    nameColumn,
    text(
      'PolicyName',
      'PolicyName indicates the policy definition which the policy binding binded to',
      o => o.spec?.policyName ?? '',
    ),
    text('ParamRef', 'ParamRef indicates the param resource which sets the configration param', o =>
      formatParamRef(o.spec?.paramRef),
    ),
    ageColumn,
  ],
};
