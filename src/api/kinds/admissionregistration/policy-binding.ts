import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { MutatingAdmissionPolicyBinding, ValidatingAdmissionPolicyBinding } from '../../types.ts';
import { countGeneration } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { pushInvalid, required } from '../field-error.ts';
import { checkSubdomain } from '../name-rules.ts';
import { checkMatchResources, checkParamRef, defaultMatchResources, formatParamRef } from './rules.ts';

type PolicyBinding = MutatingAdmissionPolicyBinding | ValidatingAdmissionPolicyBinding;

/** What bindings of both kinds of policies share. `check` looks at what a kind has beside it. */
export function policyBinding<T extends PolicyBinding>(
  check?: (object: T, errors: FieldError[]) => void,
): KindBehaviour<T> {
  const validate = (object: T): FieldError[] => {
    const errors: FieldError[] = [];
    const { policyName, paramRef, matchResources } = object.spec ?? {};
    if (!policyName) errors.push(required('spec.policyName'));
    else pushInvalid(errors, 'spec.policyName', policyName, checkSubdomain(policyName));
    if (paramRef) checkParamRef(errors, 'spec.paramRef', paramRef);
    if (matchResources) checkMatchResources(errors, 'spec.matchResouces', matchResources);
    check?.(object, errors);
    return errors;
  };
  return {
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
}
