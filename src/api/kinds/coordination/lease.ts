import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { Lease } from '../../types.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { invalid, required } from '../field-error.ts';

function validate(object: Lease): FieldError[] {
  const errors: FieldError[] = [];
  const { leaseDurationSeconds, leaseTransitions, strategy, preferredHolder } = object.spec ?? {};
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
    errors.push(invalid('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0'));
  }
  if (leaseTransitions !== undefined && leaseTransitions < 0) {
    errors.push(invalid('spec.leaseTransitions', leaseTransitions, 'must be greater than or equal to 0'));
  }
  if (preferredHolder && !strategy) {
    errors.push(required('spec.strategy', 'must be specified when `preferredHolder` is specified'));
  }
  return errors;
}

/** Heartbeats of nodes: many writes of no lasting worth. */
const heartbeatNamespace = 'kube-node-lease';

export const lease: KindBehaviour<Lease> = {
  validateCreate: validate,
  validateUpdate: validate,
  columns: [nameColumn, text('Holder', 'Who holds the lease.', o => o.spec?.holderIdentity ?? ''), ageColumn],
  createOnUpdate: true,
  unconditionalUpdate: false,
  volatile: object => object.metadata.namespace === heartbeatNamespace,
};
