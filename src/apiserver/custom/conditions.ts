import type { CustomResourceDefinition } from '#api';
import { formatTime } from '#base';

export type Condition = NonNullable<NonNullable<CustomResourceDefinition['status']>['conditions']>[number];
export type NewCondition = Pick<Condition, 'type' | 'status'> & { readonly reason: string; readonly message: string };

/** The conditions with one of them set; its time moves when its status does. The same list when nothing changes. Source: apihelpers SetCRDCondition. */
export function withCondition(
  conditions: readonly Condition[],
  wanted: NewCondition,
  nowMs: number,
): readonly Condition[] {
  const old = conditions.find(({ type }) => type === wanted.type);
  if (old && old.status === wanted.status && old.reason === wanted.reason && old.message === wanted.message) {
    return conditions;
  }
  const isMoved = old?.status !== wanted.status || !old.lastTransitionTime;
  const next: Condition = { ...wanted, lastTransitionTime: isMoved ? formatTime(nowMs) : old.lastTransitionTime! };
  return old ? conditions.map(one => (one === old ? next : one)) : [...conditions, next];
}
