import type { Job, Pod, PodFailurePolicyRule } from '#api';

export interface PolicyVerdict {
  action: 'FailJob' | 'Ignore' | 'Count' | 'FailIndex';
  message: string;
}

/** What the job's pod failure policy says about a failed pod: its first rule that matches. Undefined: none does, and the failure counts. */
export function matchFailurePolicy(job: Job, pod: Pod): PolicyVerdict | undefined {
  for (const [index, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    const what = matchExitCodes(rule, pod) ?? matchConditions(rule, pod);
    if (what) {
      return {
        action: rule.action as PolicyVerdict['action'],
        message: `${what} matching ${rule.action} rule at index ${index}`,
      };
    }
  }
  return undefined;
}

function matchExitCodes({ onExitCodes }: PodFailurePolicyRule, pod: Pod): string | undefined {
  if (!onExitCodes) return undefined;
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  for (const { name, state } of [...initContainerStatuses, ...containerStatuses]) {
    const code = state?.terminated?.exitCode;
    if (code === undefined || code === 0 || (onExitCodes.containerName && onExitCodes.containerName !== name)) continue;
    if (onExitCodes.values.includes(code) === (onExitCodes.operator === 'In')) {
      return `Container ${name} for pod ${pod.metadata.namespace}/${pod.metadata.name} failed with exit code ${code}`;
    }
  }
  return undefined;
}

function matchConditions({ onPodConditions }: PodFailurePolicyRule, pod: Pod): string | undefined {
  for (const { type, status = 'True' } of onPodConditions ?? []) {
    if (pod.status?.conditions?.some(condition => condition.type === type && condition.status === status)) {
      return `Pod ${pod.metadata.namespace}/${pod.metadata.name} has condition ${type}`;
    }
  }
  return undefined;
}
