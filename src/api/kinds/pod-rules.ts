import type { FieldError } from '../kind.ts';
import type { Pod } from '../types.ts';
import { checkPodSpec } from './pod-spec.ts';

/** A new pod. */
export function validatePod(pod: Pod): FieldError[] {
  const errors: FieldError[] = [];
  checkPodSpec(errors, 'spec', pod.spec, { template: false });
  return errors;
}
export function validatePodUpdate(pod: Pod, _old: Pod): FieldError[] {
  return validatePod(pod);
}
export function validatePodStatus(_pod: Pod, _old: Pod): FieldError[] {
  return [];
}
export function validatePodSubresource(_pod: Pod, _old: Pod, _subresource: string): FieldError[] {
  return [];
}
