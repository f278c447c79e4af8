import type { Lease, Node, NodeCondition } from '#api';
import { formatTime } from '#base';
import { findCondition } from '../conditions.ts';

/** What was last seen of a node's signs of life, and when on our own clock: clocks of nodes are not trusted. */
export interface NodeHealth {
  /** Lease renewal and status heartbeat as texts; any change is a sign of life. */
  sign: string;
  seenMs: number;
}

const leaseOf = (lease: Lease | undefined) => lease?.spec.renewTime ?? '';

/** The health after a look at the node at `nowMs`. */
export function nextHealth(
  node: Node,
  lease: Lease | undefined,
  old: NodeHealth | undefined,
  nowMs: number,
): NodeHealth {
  const heartbeat = findCondition(node.status?.conditions, 'Ready')?.lastHeartbeatTime ?? '';
  const sign = `${leaseOf(lease)}|${heartbeat}`;
  return old?.sign === sign ? old : { sign, seenMs: nowMs };
}

/** Conditions that the kubelet keeps, and that are unknown once it is silent. */
const kept = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** The conditions of a node whose kubelet is silent; the same list when they say so already. After upstream's tryUpdateNodeHealth. */
export function silentConditions(node: Node, nowMs: number): NodeCondition[] {
  const now = formatTime(nowMs);
  const conditions = node.status?.conditions ?? [];
  if (kept.every(type => findCondition(conditions, type)?.status === 'Unknown')) return conditions;
  const known = conditions.map(condition =>
    kept.includes(condition.type) && condition.status !== 'Unknown'
      ? {
          ...condition,
          ...{ status: 'Unknown', reason: 'NodeStatusUnknown', lastTransitionTime: now },
          message: 'Kubelet stopped posting node status.',
        }
      : condition,
  );
  const missing = kept.filter(type => !findCondition(conditions, type));
  const never = missing.map(type => ({
    ...{ type, status: 'Unknown', reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.' },
    lastHeartbeatTime: node.metadata.creationTimestamp,
    lastTransitionTime: now,
  }));
  return [...known, ...never];
}
