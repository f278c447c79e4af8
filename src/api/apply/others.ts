import { type Comparison, compare } from './compare.ts';
import { type Context, inVersion } from './context.ts';
import { type FieldSet, intersect, isEmptySet, isWithin, leaf, subtract, subtractBelow, unite } from './field-set.ts';
import { type Managed, type Managers, putOrDelete, withSet } from './managers.ts';

export interface Settled {
  readonly managers: Managers;
  /** Fields of others that have another value now. */
  readonly conflicts: readonly { managed: Managed; set: FieldSet }[];
  /** In the version of the request. */
  readonly comparison: Comparison;
}

/** Takes from everybody else what has changed or gone. */
export function settleOthers(step: {
  before: object;
  after: object;
  managers: Managers;
  workflow: string | undefined;
  context: Context;
}): Settled {
  const { before, after, context } = step;
  const comparisons = new Map<string, Comparison | undefined>();
  const compareIn = (apiVersion: string): Comparison | undefined => {
    if (comparisons.has(apiVersion)) return comparisons.get(apiVersion);
    const version = inVersion(apiVersion, context);
    const found = version && compare(version.convert(before), version.convert(after), version.shape);
    const left = found && excluding(found, context.ignored);
    comparisons.set(apiVersion, left);
    return left;
  };
  const comparison = compareIn(context.manager.apiVersion)!;
  const managers: Managers = new Map();
  const conflicts: { managed: Managed; set: FieldSet }[] = [];
  for (const [id, managed] of step.managers) {
    if (id === step.workflow) continue;
    const found = compareIn(managed.apiVersion);
    if (!found) continue;
    const changed = unite(found.modified, found.added);
    const set = isEmptySet(changed) ? leaf : intersect(managed.set, changed);
    if (!isEmptySet(set)) conflicts.push({ managed, set });
    const left = isEmptySet(set) ? managed.set : subtract(managed.set, set);
    const kept = isEmptySet(found.removed) ? left : subtract(left, found.removed);
    putOrDelete(managers, id, withSet(managed, isWithin(managed.set, kept) ? managed.set : kept));
  }
  return { managers, conflicts, comparison };
}

function excluding({ added, modified, removed }: Comparison, ignored: FieldSet | undefined): Comparison {
  if (!ignored) return { added, modified, removed };
  const without = (set: FieldSet) => subtractBelow(set, ignored);
  return { added: without(added), modified: without(modified), removed: without(removed) };
}
