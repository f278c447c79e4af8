import type { Taint, Toleration } from './types.ts';

/** The taint part that tolerations look at. */
export type TaintLike = Pick<Taint, 'key' | 'effect'> & { value?: string | undefined };

/** Upstream's ToleratesTaint: empty effect matches all effects, empty key with Exists matches everything. */
export function tolerates(toleration: Toleration, taint: TaintLike): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? 'Equal') {
    case 'Exists':
      return true;
    case 'Lt':
    case 'Gt':
      return comparesNumbers(toleration, taint);
    default:
      return Boolean(toleration.key) && (toleration.value ?? '') === (taint.value ?? '');
  }
}

/** Lt and Gt compare the taint's value with the toleration's, both whole numbers (KEP-5471). */
function comparesNumbers(toleration: Toleration, taint: TaintLike): boolean {
  if (!/^-?\d+$/.test(toleration.value ?? '') || !/^-?\d+$/.test(taint.value ?? '')) return false;
  const [tolerated, actual] = [BigInt(toleration.value!), BigInt(taint.value!)];
  return toleration.operator === 'Lt' ? actual < tolerated : actual > tolerated;
}

/** The first taint with one of the effects that nothing tolerates. */
export function untolerated(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  effects: readonly string[],
): Taint | undefined {
  return taints?.find(
    taint => effects.includes(taint.effect) && !(tolerations ?? []).some(toleration => tolerates(toleration, taint)),
  );
}
