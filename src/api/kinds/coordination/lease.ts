import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { Lease } from '../../types.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { invalid } from '../field-error.ts';

function validate(object: Lease): FieldError[] {
  const errors: FieldError[] = [];
  const { leaseDurationSeconds, leaseTransitions } = object.spec ?? {};
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
    errors.push(invalid('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0'));
  }
  if (leaseTransitions !== undefined && leaseTransitions < 0) {
    errors.push(invalid('spec.leaseTransitions', leaseTransitions, 'must be greater than or equal to 0'));
  }
  return errors;
}

/** Heartbeats of nodes: many writes of no lasting worth. */
const heartbeatNamespace = 'kube-node-lease';

/** Coordinated leader election is off, as upstream has it. */
function dropCoordination(draft: Lease): void {
  delete draft.spec?.strategy;
  delete draft.spec?.preferredHolder;
}

export const lease: KindBehaviour<Lease> = {
  prepareCreate: dropCoordination,
  prepareUpdate: dropCoordination,
  validateCreate: validate,
  validateUpdate: validate,
  columns: [nameColumn, text('Holder', 'Who holds the lease.', o => o.spec?.holderIdentity ?? ''), ageColumn],
  createOnUpdate: true,
  unconditionalUpdate: false,
  volatile: object => object.metadata.namespace === heartbeatNamespace,
};
