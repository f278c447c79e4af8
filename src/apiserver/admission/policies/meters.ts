import type { Meter } from '#base';
import { outOfBudget } from '../conditions.ts';

export interface Check {
  readonly policy: string;
  readonly binding: string;
  readonly seconds: number;
  /** What could not be evaluated; undefined: all could. */
  readonly problem?: string | undefined;
}

const buckets: readonly number[] = [0.0000005, 0.001, 0.01, 0.1, 1];
const labels: readonly string[] = ['policy', 'policy_binding', 'error_type'];

/** Counts checks of validating policies by what became of them. Names and labels as upstream's. */
export type ValidatingMeter = (check: Check, action: 'allow' | 'deny' | 'warn' | 'audit') => void;

export function createValidatingMeter(meter: Meter): ValidatingMeter {
  const all = [...labels, 'enforcement_action'];
  const total = meter.counter({
    name: 'apiserver_validating_admission_policy_check_total',
    help: 'Checks of validating policies, by policy, binding and what was done.',
    labels: all,
  });
  const duration = meter.histogram({
    name: 'apiserver_validating_admission_policy_check_duration_seconds',
    help: 'How long single expressions of validating policies took, in seconds, by policy, binding and what was done.',
    labels: all,
    buckets,
  });
  return (check, action) => {
    const at = { ...labelsOf(check), enforcement_action: action };
    total.add(at);
    duration.observe(check.seconds, at);
  };
}

/** Counts mutations. Names and labels as upstream's. */
export type MutatingMeter = (check: Check) => void;

export function createMutatingMeter(meter: Meter): MutatingMeter {
  const total = meter.counter({
    name: 'apiserver_mutating_admission_policy_check_total',
    help: 'Checks of mutating policies, by policy and binding.',
    labels,
  });
  const duration = meter.histogram({
    name: 'apiserver_mutating_admission_policy_check_duration_seconds',
    help: 'How long single mutations took, in seconds, by policy and binding.',
    labels,
    buckets,
  });
  return check => {
    const at = labelsOf(check);
    total.add(at);
    duration.observe(check.seconds, at);
  };
}

function labelsOf({ policy, binding, problem }: Check): Record<string, string> {
  return { policy, policy_binding: binding, error_type: errorType(problem) };
}

function errorType(problem: string | undefined): string {
  if (problem === undefined) return 'no_error';
  if (problem.startsWith('compilation')) return 'compile_error';
  return problem.startsWith(outOfBudget) ? 'out_of_budget' : 'invalid_error';
}
