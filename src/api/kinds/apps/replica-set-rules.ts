import type { FieldError } from '../../kind.ts';
import type { ReplicaSet } from '../../types.ts';
import { semanticallyEqual } from '../equality.ts';
import { checkNonNegative, immutableMessage, invalid } from '../field-error.ts';
import { checkPodTemplate, checkRunsForEver, checkTemplateMatches, checkWorkloadSelector } from '../pod-template.ts';
import { checkReplicaStatus } from '../replica-status.ts';

export function validateReplicaSet(object: ReplicaSet): FieldError[] {
  const errors: FieldError[] = [];
  const { spec } = object;
  checkNonNegative(errors, 'spec.replicas', spec.replicas);
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds);
  if (checkWorkloadSelector(errors, spec.selector, { kind: 'deployment', detail: 'invalid label selector' })) {
    checkTemplateMatches(errors, spec.selector, spec.template);
    checkPodTemplate(errors, 'spec.template', spec.template);
    checkRunsForEver(errors, 'spec.template', spec.template);
  }
  return errors;
}

export function validateReplicaSetUpdate(object: ReplicaSet, old: ReplicaSet): FieldError[] {
  const errors = validateReplicaSet(object);
  if (!semanticallyEqual(object.spec.selector, old.spec.selector)) {
    errors.push(invalid('spec.selector', object.spec.selector, immutableMessage));
  }
  return errors;
}

export function validateReplicaSetStatus(object: ReplicaSet): FieldError[] {
  const errors: FieldError[] = [];
  checkReplicaStatus(errors, object.status);
  return errors;
}
