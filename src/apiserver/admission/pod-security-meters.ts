import type { Meter } from '#base';
import type { AdmissionRequest } from '../admission.ts';
import type { Mode, Policy } from './pod-security-policy.ts';

/** Counts what was judged, under upstream's names. */
export interface PodSecurityMeters {
  evaluated(request: AdmissionRequest, what: { mode: Mode; policy: Policy; allowed: boolean }): void;
  exempted(request: AdmissionRequest): void;
  /** Labels of the namespace could not be read; the strictest was taken. */
  failed(request: AdmissionRequest): void;
}

export function createPodSecurityMeters(meter: Meter): PodSecurityMeters {
  const request = ['request_operation', 'resource', 'subresource'];
  const evaluations = meter.counter({
    name: 'pod_security_evaluations_total',
    help: 'Number of policy evaluations that occurred, not counting ignored or exempt requests.',
    labels: ['decision', 'policy_level', 'policy_version', 'mode', ...request],
  });
  const exemptions = meter.counter({
    name: 'pod_security_exemptions_total',
    help: 'Number of exempt requests, not counting ignored or out of scope requests.',
    labels: request,
  });
  const errors = meter.counter({
    name: 'pod_security_errors_total',
    help: 'Number of errors preventing normal evaluation. Non-fatal errors may result in the latest restricted profile being used for evaluation.',
    labels: ['fatal', ...request],
  });
  return {
    evaluated(of, { mode, policy, allowed }) {
      const version = policy.minor === undefined ? 'latest' : `v1.${policy.minor}`;
      evaluations.add({
        ...{ decision: allowed ? 'allow' : 'deny', policy_level: policy.level, policy_version: version, mode },
        ...labelsOf(of),
      });
    },
    exempted: of => exemptions.add(labelsOf(of)),
    failed: of => errors.add({ fatal: 'false', ...labelsOf(of) }),
  };
}

function labelsOf({ kind, operation, subresource }: AdmissionRequest) {
  return {
    request_operation: operation.toLowerCase(),
    resource: kind.group === '' && kind.resource === 'pods' ? 'pod' : 'controller',
    subresource: subresource ?? '',
  };
}
