import type { FieldError } from '../kind.ts';
import type { ReplicaSetStatus } from '../types.ts';
import { checkNonNegative, invalid } from './field-error.ts';

const counters = [
  'replicas',
  'fullyLabeledReplicas',
  'readyReplicas',
  'availableReplicas',
  'observedGeneration',
  'terminatingReplicas',
] as const;

/** Counts of pods fit each other: in replica sets and replication controllers. */
export function checkReplicaStatus(errors: FieldError[], status: ReplicaSetStatus | undefined): void {
  for (const field of counters) checkNonNegative(errors, `status.${field}`, status?.[field]);
  const replicas = status?.replicas ?? 0;
  for (const field of ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const) {
    const value = status?.[field] ?? 0;
    if (value > replicas) errors.push(invalid(`status.${field}`, value, 'cannot be greater than status.replicas'));
  }
  const available = status?.availableReplicas ?? 0;
  if (available > (status?.readyReplicas ?? 0)) {
    errors.push(invalid('status.availableReplicas', available, 'cannot be greater than readyReplicas'));
  }
}
