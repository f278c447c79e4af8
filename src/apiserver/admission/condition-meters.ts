import type { Meter } from '#base';

/** What has the conditions, and what the request does. */
export interface ConditionedCall {
  readonly name: string;
  readonly type: string;
  readonly operation: string;
}

export interface ConditionMeters {
  /** Match conditions left the request out. */
  excluded(call: ConditionedCall): void;
  /** A match condition could not be evaluated. */
  conditionFailed(call: ConditionedCall): void;
}

/** Names and labels as upstream's (apiserver/pkg/admission/metrics). */
export function createConditionMeters(meter: Meter, kind: 'webhook' | 'policy'): ConditionMeters {
  const labels = ['name', 'kind', 'type', 'operation'];
  const exclusions = meter.counter({
    name: 'apiserver_admission_match_condition_exclusions_total',
    help: 'Requests that match conditions left out, by name and kind of what has them, type and operation.',
    labels,
  });
  const errors = meter.counter({
    name: 'apiserver_admission_match_condition_evaluation_errors_total',
    help: 'Match conditions that could not be evaluated, by name and kind of what has them, type and operation.',
    labels,
  });
  return {
    excluded: ({ name, type, operation }) => exclusions.add({ name, kind, type, operation }),
    conditionFailed: ({ name, type, operation }) => errors.add({ name, kind, type, operation }),
  };
}
