import type { Pod, Taint } from '#api';
import { tolerates } from '#api';

/**
 * When a pod has to leave because of the NoExecute taints of its node: a time in milliseconds, `never`, or 0 for at once. `sinceMs` says since when a taint
 * is there.
 */
export function evictionTime(pod: Pod, taints: readonly Taint[], sinceMs: (taint: Taint) => number): number | 'never' {
  let earliest: number | 'never' = 'never';
  for (const taint of taints.filter(({ effect }) => effect === 'NoExecute')) {
    const matching = (pod.spec.tolerations ?? []).filter(toleration => tolerates(toleration, taint));
    if (!matching.length) return 0;
    for (const { tolerationSeconds } of matching) {
      if (tolerationSeconds === undefined) continue;
      if (tolerationSeconds <= 0) return 0;
      const atMs = sinceMs(taint) + tolerationSeconds * 1000;
      if (earliest === 'never' || atMs < earliest) earliest = atMs;
    }
  }
  return earliest;
}
