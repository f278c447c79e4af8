import type { Pod } from '#api';
import { qosClassOf, quantityToNumber } from '#api';
import type { EvictionThresholds } from '../config.ts';
import { containersOf, isStatic } from '../pods/pod-spec.ts';
import { availableMemory, availablePids, type FilesystemState } from './machine.ts';
import type { Pressure } from './node-status.ts';

/** One threshold that is passed, in the words of the eviction message. */
export interface Shortage {
  signal: 'memory' | 'disk' | 'pid';
  resource: string;
  thresholdText: string;
  availableText: string;
}

/** How long a pressure is shown after it has gone: upstream's evictionPressureTransitionPeriod. */
export const pressureHoldMs = 5 * 60_000;

/** What the node is short of. Pure but for reading /proc when no numbers are given. */
export function shortages(
  thresholds: EvictionThresholds,
  now: {
    nodefs: FilesystemState;
    imagefs: FilesystemState;
    memoryBytes?: number;
    pids?: { available: number; total: number };
  },
): Shortage[] {
  const memory = now.memoryBytes ?? availableMemory();
  const pids = now.pids ?? availablePids();
  const found: Shortage[] = [];
  if (memory < thresholds.memoryAvailableBytes) {
    found.push({ signal: 'memory', resource: 'memory', ...texts(thresholds.memoryAvailableBytes, memory) });
  }
  const disk = (resource: string, state: FilesystemState, percent: number) => {
    const limit = (state.totalBytes * percent) / 100;
    if (state.totalBytes > 0 && state.availableBytes < limit) {
      found.push({ signal: 'disk', resource, ...texts(limit, state.availableBytes) });
    }
  };
  disk('ephemeral-storage', now.nodefs, thresholds.nodefsAvailablePercent);
  disk('ephemeral-storage', now.imagefs, thresholds.imagefsAvailablePercent);
  const inodes = (now.nodefs.totalInodes * thresholds.nodefsInodesFreePercent) / 100;
  if (now.nodefs.totalInodes > 0 && now.nodefs.freeInodes < inodes) {
    const [thresholdText, availableText] = [String(Math.floor(inodes)), String(now.nodefs.freeInodes)];
    found.push({ signal: 'disk', resource: 'inodes', thresholdText, availableText });
  }
  if (pids.available < (pids.total * thresholds.pidAvailablePercent) / 100) {
    const limit = Math.floor((pids.total * thresholds.pidAvailablePercent) / 100);
    found.push({
      signal: 'pid',
      resource: 'pids',
      thresholdText: String(limit),
      availableText: String(pids.available),
    });
  }
  return found;
}

const texts = (threshold: number, available: number) => ({
  thresholdText: binary(threshold),
  availableText: binary(available),
});

function binary(bytes: number): string {
  const whole = Math.floor(bytes);
  for (const [unit, size] of [
    ['Gi', 2 ** 30],
    ['Mi', 2 ** 20],
    ['Ki', 2 ** 10],
  ] as const) {
    if (whole >= size && whole % size === 0) return `${whole / size}${unit}`;
  }
  return whole >= 2048 ? `${Math.floor(whole / 1024)}Ki` : String(whole);
}

export const evictionMessage = (shortage: Shortage): string =>
  `The node was low on resource: ${shortage.resource}. Threshold quantity: ${shortage.thresholdText}, available: ${shortage.availableText}. `;

/** The pods in the order in which they are given up: those over their requests first, then low priority, then the greatest excess. */
export function evictionOrder(pods: readonly Pod[], usedBytes: (pod: Pod) => number): Pod[] {
  const excess = (pod: Pod) => usedBytes(pod) - requested(pod);
  return pods
    .filter(pod => !isStatic(pod) && (pod.spec.priority ?? 0) < 2_000_000_000)
    .sort(
      (a, b) =>
        Number(excess(b) > 0) - Number(excess(a) > 0) ||
        (a.spec.priority ?? 0) - (b.spec.priority ?? 0) ||
        excess(b) - excess(a),
    );
}

function requested(pod: Pod): number {
  return containersOf(pod)
    .filter(one => one.role === 'main' || one.role === 'sidecar')
    .reduce((sum, one) => sum + quantityToNumber(one.container.resources?.requests?.['memory']), 0);
}

/** Whether a pod may be started under pressure: without memory only what asked for some, without disk none. */
export function refusedUnderPressure(pod: Pod, pressure: Pressure): string | undefined {
  if (isStatic(pod) || (pod.spec.priority ?? 0) >= 2_000_000_000) return undefined;
  const names: string[] = [];
  if (pressure.memory && qosClassOf(pod.spec) === 'BestEffort') names.push('MemoryPressure');
  if (pressure.disk) names.push('DiskPressure');
  if (pressure.pid) names.push('PIDPressure');
  return names.length > 0 ? `The node had condition: [${names.join(', ')}]. ` : undefined;
}
