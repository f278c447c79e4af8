import type { Node, Taint } from '#api';
import { formatTime } from '#base';
import { findCondition } from '../conditions.ts';

const [notReady, unreachable] = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/** Condition and status -> key of the NoSchedule taint that says so. */
const bySchedule: readonly (readonly [type: string, status: string, key: string])[] = [
  ['Ready', 'False', notReady],
  ['Ready', 'Unknown', unreachable],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
];
const unschedulable = 'node.kubernetes.io/unschedulable';
const scheduleKeys: ReadonlySet<string> = new Set([...bySchedule.map(([, , key]) => key), unschedulable]);
const executeKeys: ReadonlySet<string> = new Set([notReady, unreachable]);

/** Is the node's kubelet there and ready? */
export const isNodeReady = (node: Node): boolean => findCondition(node.status?.conditions, 'Ready')?.status === 'True';

/**
 * The taints that a node's conditions ask for; the same list when it has them. `mayEvict` false: no NoExecute taints, and present ones go, because when
 * all nodes are silent it is most likely us who are cut off.
 */
export function planTaints(node: Node, mayEvict: boolean, nowMs: number): Taint[] {
  const taints = node.spec.taints ?? [];
  const { conditions } = node.status ?? {};
  const schedule = bySchedule
    .filter(([type, status]) => findCondition(conditions, type)?.status === status)
    .map(([, , key]) => key);
  if (node.spec.unschedulable) schedule.push(unschedulable);
  const ready = findCondition(conditions, 'Ready')?.status;
  const execute = !mayEvict ? undefined : ready === 'False' ? notReady : ready === 'Unknown' ? unreachable : undefined;
  const stays = ({ key, effect }: Taint) => {
    if (effect === 'NoSchedule' && scheduleKeys.has(key)) return schedule.includes(key);
    if (effect === 'NoExecute' && executeKeys.has(key)) return key === execute;
    return true;
  };
  const left = taints.filter(stays);
  const has = (key: string, effect: string) => left.some(taint => taint.key === key && taint.effect === effect);
  const added = schedule.filter(key => !has(key, 'NoSchedule')).map(key => ({ key, effect: 'NoSchedule' }));
  const timeAdded = formatTime(nowMs);
  const evict = execute && !has(execute, 'NoExecute') ? [{ key: execute, effect: 'NoExecute', timeAdded }] : [];
  return left.length === taints.length && !added.length && !evict.length ? taints : [...left, ...added, ...evict];
}
