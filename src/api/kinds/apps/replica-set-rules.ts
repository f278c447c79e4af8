import type { FieldError } from '../../kind.ts';
import type { ReplicaSet } from '../../types.ts';
import { semanticallyEqual } from '../equality.ts';
import { checkNonNegative, immutableMessage, invalid } from '../field-error.ts';
import { checkPodTemplate, checkRunsForEver, checkTemplateMatches, checkWorkloadSelector } from '../pod-template.ts';

export function validateReplicaSet(object: ReplicaSet): FieldError[] {
  const errors: FieldError[] = [];
  const { spec } = object;
  checkNonNegative(errors, 'spec.replicas', spec.replicas);
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds);
  checkWorkloadSelector(errors, spec.selector, 'deployment');
  checkTemplateMatches(errors, spec.selector, spec.template);
  checkPodTemplate(errors, 'spec.template', spec.template);
  checkRunsForEver(errors, 'spec.template', spec.template);
  return errors;
}

export function validateReplicaSetUpdate(object: ReplicaSet, old: ReplicaSet): FieldError[] {
  const errors = validateReplicaSet(object);
  if (!semanticallyEqual(object.spec.selector, old.spec.selector)) {
    errors.push(invalid('spec.selector', object.spec.selector, immutableMessage));
  }
  return errors;
}

const counters = [
  'replicas',
  'fullyLabeledReplicas',
  'readyReplicas',
  'availableReplicas',
  'observedGeneration',
] as const;

export function validateReplicaSetStatus(object: ReplicaSet): FieldError[] {
  const errors: FieldError[] = [];
  const status = object.status ?? { replicas: 0 };
  for (const field of counters) checkNonNegative(errors, `status.${field}`, status[field]);
  const replicas = status.replicas ?? 0;
  const excess = 'cannot be greater than status.replicas';
  for (const field of ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const) {
    const value = status[field] ?? 0;
    if (value > replicas) errors.push(invalid(`status.${field}`, value, excess));
  }
  const available = status.availableReplicas ?? 0;
  if (available > (status.readyReplicas ?? 0)) {
    errors.push(invalid('status.availableReplicas', available, 'cannot be greater than readyReplicas'));
  }
  return errors;
}
