import type { Meter } from '#base';
import { type ConditionMeters, createConditionMeters } from '../condition-meters.ts';
import { HookFailure, HookRejection } from './failure.ts';

/** Upstream's label for the two types differs from the one of everything else. */
export type MeterType = 'admit' | 'validating';

/** One call of a hook, as the meters see it. */
export interface MeteredCall {
  readonly name: string;
  readonly type: MeterType;
  readonly operation: string;
}

export interface HookMeters extends ConditionMeters {
  /** After a call: `error` is what it threw, `isIgnored` when the failurePolicy lets the request go on. */
  observe(call: MeteredCall, outcome: { seconds: number; error?: unknown; isIgnored: boolean }): void;
}

const buckets: readonly number[] = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25];
/** Webhooks choose their codes: what is above counts as this. */
const maxCode = 600;

/** Names and labels as upstream's (apiserver/pkg/admission/metrics). */
export function createHookMeters(meter: Meter): HookMeters {
  const duration = meter.histogram({
    name: 'apiserver_admission_webhook_admission_duration_seconds',
    help: 'Admission webhook latency in seconds, by name, operation and type (validating or admit).',
    labels: ['name', 'type', 'operation', 'rejected'],
    buckets,
  });
  const rejections = meter.counter({
    name: 'apiserver_admission_webhook_rejection_count',
    help: 'Requests refused because of a webhook, by name, type, operation, kind of error and code.',
    labels: ['name', 'type', 'operation', 'error_type', 'rejection_code'],
  });
  const requests = meter.counter({
    name: 'apiserver_admission_webhook_request_total',
    help: 'Calls of admission webhooks, by name, type, operation, code and whether the request was refused.',
    labels: ['name', 'type', 'operation', 'code', 'rejected'],
  });
  const failedOpen = meter.counter({
    name: 'apiserver_admission_webhook_fail_open_count',
    help: 'Failures of webhooks that were ignored because their failurePolicy says so, by name and type.',
    labels: ['name', 'type'],
  });
  const conditions = createConditionMeters(meter, 'webhook');
  return {
    observe({ name, type, operation }, { seconds, error, isIgnored }) {
      const { code, errorType } = judge(error);
      const rejected = String(error !== undefined && !isIgnored);
      if (error !== undefined && !isIgnored)
        rejections.add({ name, type, operation, error_type: errorType, rejection_code: String(code) });
      if (isIgnored) failedOpen.add({ name, type });
      requests.add({ name, type, operation, code: String(code), rejected });
      duration.observe(seconds, { name, type, operation, rejected });
    },
    ...conditions,
  };
}

function judge(error: unknown): { code: number; errorType: string } {
  if (error === undefined) return { code: 200, errorType: '' };
  if (error instanceof HookFailure) return { code: Math.min(error.code, maxCode), errorType: 'calling_webhook_error' };
  if (error instanceof HookRejection)
    return { code: Math.min(error.refusal.status.code, maxCode), errorType: 'no_error' };
  return { code: 0, errorType: 'apiserver_internal_error' };
}
