interface ConditionLike {
  type: string;
  status: string;
  reason?: string | undefined;
  message?: string | undefined;
  lastTransitionTime?: string | undefined;
}

export function findCondition<C extends ConditionLike>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined {
  return conditions?.find(condition => condition.type === type);
}

export function hasCondition(conditions: readonly ConditionLike[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

/**
 * The list with the condition in it, in place of one of its type. The transition time moves only when the status changes. The same list when
 * nothing would change.
 */
export function withCondition<C extends ConditionLike>(conditions: readonly C[] | undefined, condition: C): C[] {
  const list = conditions ?? [];
  const old = findCondition(list, condition.type);
  if (old && old.status === condition.status && old.reason === condition.reason && old.message === condition.message) {
    return list as C[];
  }
  const same = old?.status === condition.status;
  const next =
    same && old?.lastTransitionTime ? { ...condition, lastTransitionTime: old.lastTransitionTime } : condition;
  return old ? list.map(one => (one === old ? next : one)) : [...list, next];
}

export function withoutCondition<C extends ConditionLike>(conditions: readonly C[] | undefined, type: string): C[] {
  return (conditions ?? []).filter(condition => condition.type !== type);
}
