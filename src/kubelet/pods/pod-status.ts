import type { Pod, PodStatus } from '#api';
import { qosClassOf } from '#api';
import { formatTime } from '#base';
import { currentSandbox, type RuntimePod } from '../runtime/runtime-pod.ts';
import { ownConditions, podConditions } from './conditions.ts';
import { type ContainerFacts, type ContainerStatuses, containerStatuses } from './container-status.ts';
import { phaseOf } from './phase.ts';

export interface Verdict {
  reason: string;
  message: string;
  /** The node did not take the pod at all. */
  isRefusal?: boolean;
}

export interface StatusFacts extends ContainerFacts {
  nowMs: number;
  nodeIps: readonly string[];
  /** Nothing will be started any more and nothing runs. */
  ended: boolean;
  /** The pod was refused or thrown out: overrides what its containers say once none of them runs. */
  verdict?: Verdict | undefined;
}

/**
 * The pod with the status that was last made for it: its copy may still show an older one, and times that came from there and from here by turns would be
 * written over each other for ever. What others write is the copy's.
 */
export function withLatest(pod: Pod, latest: PodStatus | undefined): Pod {
  if (!latest) return pod;
  const shown = pod.status ?? {};
  const own = (latest.conditions ?? []).filter(({ type }) => ownConditions.has(type));
  const others = (shown.conditions ?? []).filter(({ type }) => !ownConditions.has(type));
  const { nominatedNodeName: _, resourceClaimStatuses: __, resize: ___, ...mine } = latest;
  return { ...pod, status: { ...mine, ...kept(shown), conditions: [...others, ...own] } };
}

/** The status as it should stand at the API server. */
export function podStatus(pod: Pod, runtime: RuntimePod, facts: StatusFacts): PodStatus {
  const old = pod.status ?? {};
  if (isRefused(pod, runtime, facts)) return refusedStatus(pod, facts);
  const statuses = containerStatuses(pod, runtime, facts);
  const phase = facts.verdict ? verdictPhase(old, facts) : phaseOf(pod, statuses, facts.ended);
  const sandbox = currentSandbox(runtime);
  const hostNetwork = pod.spec.hostNetwork ?? false;
  const ips = hostNetwork ? facts.nodeIps : ((sandbox ?? runtime.sandboxes[0])?.ips ?? []);
  const shown = ips.length > 0 ? ips : (old.podIPs ?? []).map(one => one.ip);
  const sandboxReady = sandbox !== undefined && (hostNetwork || sandbox.ips.length > 0);
  const { generation } = pod.metadata;
  return {
    ...kept(old),
    phase,
    ...(generation !== undefined && { observedGeneration: generation }),
    conditions: podConditions(pod, statuses, { phase, sandboxReady, nowMs: facts.nowMs }),
    ...(facts.verdict ? phase === 'Failed' && said(facts.verdict) : pickReason(old)),
    hostIP: facts.nodeIps[0],
    hostIPs: facts.nodeIps.map(ip => ({ ip })),
    ...(shown.length > 0 && { podIP: shown[0], podIPs: shown.map(ip => ({ ip })) }),
    startTime: old.startTime ?? formatTime(facts.nowMs),
    qosClass: old.qosClass ?? qosClassOf(pod.spec),
    ...listsOf(statuses),
  };
}

/** What still runs may hold what a pod in its place would need: until then it is not over. Source: mergePodStatus of pkg/kubelet/status. */
function verdictPhase({ phase }: PodStatus, { ended }: StatusFacts): string {
  return ended || phase === 'Failed' ? 'Failed' : (phase ?? 'Pending');
}

/** After a restart nobody remembers the refusal, but a pod that failed without a container was refused. */
function isRefused({ status }: Pod, runtime: RuntimePod, { verdict }: StatusFacts): boolean {
  if (runtime.containers.length > 0) return false;
  return verdict?.isRefusal === true || (status?.phase === 'Failed' && !status.containerStatuses);
}

/** Of a pod that never was on the node nothing else can be said. */
function refusedStatus({ spec, status: old = {}, metadata: { generation } }: Pod, facts: StatusFacts): PodStatus {
  return {
    ...kept(old),
    phase: 'Failed',
    ...(generation !== undefined && { observedGeneration: generation }),
    ...(facts.verdict ? said(facts.verdict) : pickReason(old)),
    startTime: old.startTime ?? formatTime(facts.nowMs),
    qosClass: old.qosClass ?? qosClassOf(spec),
  };
}

const said = ({ reason, message }: Verdict) => ({ reason, message });

/** What others write. */
function kept({ nominatedNodeName, resourceClaimStatuses, resize }: PodStatus): PodStatus {
  return {
    ...(nominatedNodeName && { nominatedNodeName }),
    ...(resourceClaimStatuses && { resourceClaimStatuses }),
    ...(resize && { resize }),
  };
}

function pickReason({ phase, reason, message }: PodStatus): PodStatus {
  if (phase !== 'Failed') return {};
  return { ...(reason && { reason }), ...(message && { message }) };
}

function listsOf({ init, main, ephemeral }: ContainerStatuses): PodStatus {
  return {
    ...(init.length > 0 && { initContainerStatuses: init }),
    containerStatuses: main,
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
  };
}
