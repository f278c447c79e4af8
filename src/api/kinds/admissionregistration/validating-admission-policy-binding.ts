import type { FieldError } from '../../kind.ts';
import type { ValidatingAdmissionPolicyBinding } from '../../types.ts';
import { duplicate, invalid, notSupported, required } from '../field-error.ts';
import { eachAt } from '../paths.ts';
import { policyBinding } from './policy-binding.ts';

const actions: readonly string[] = ['Audit', 'Deny', 'Warn'];

export const validatingAdmissionPolicyBinding = policyBinding<ValidatingAdmissionPolicyBinding>(checkActions);

function checkActions({ spec }: ValidatingAdmissionPolicyBinding, errors: FieldError[]): void {
  const { validationActions } = spec ?? {};
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
}
