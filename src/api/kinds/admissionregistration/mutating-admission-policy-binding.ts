import type { MutatingAdmissionPolicyBinding } from '../../types.ts';
import { policyBinding } from './policy-binding.ts';

export const mutatingAdmissionPolicyBinding = policyBinding<MutatingAdmissionPolicyBinding>();
