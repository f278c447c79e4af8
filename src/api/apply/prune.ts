import { type Context, identity, inVersion, type ManagedObject } from './context.ts';
import { type FieldSet, intersect, isEmptySet, isWithin, leaf, subtract, unite } from './field-set.ts';
import { idOf, type Managed, type Managers } from './managers.ts';
import { removeFields, withNamedFields } from './remove.ts';
import { fieldsOf } from './typed.ts';

/** What the manager applied before, applies no longer, and nobody else owns, goes. Source: structured-merge-diff, merge/update.go. */
export function prune(
  merged: ManagedObject,
  step: { managers: Managers; last: Managed; context: Context },
): ManagedObject {
  const { managers, last, context } = step;
  const mine = managers.get(idOf(identity(context.manager, 'Apply')))!;
  if (isEmptySet(last.set) || (last.apiVersion === mine.apiVersion && isWithin(last.set, mine.set))) return merged;
  const version = inVersion(last.apiVersion, context);
  // Without the version, what it owned cannot be told.
  if (!version) return merged;
  const whole = version.convert(merged);
  const named = withNamedFields(last.set, version.shape);
  const pruned = (removeFields(whole, named, version.shape) ?? {}) as object;
  const kept = addBackOwned(merged, version.back(pruned), { managers, first: last.apiVersion, context });
  const keptSet = withNamedFields(fieldsOf(version.convert(kept), version.shape), version.shape);
  const wholeSet = withNamedFields(fieldsOf(whole, version.shape), version.shape);
  const gone = intersect(subtract(wholeSet, keptSet), named);
  return version.back((removeFields(whole, gone, version.shape) ?? {}) as object) as ManagedObject;
}

/** Puts back what somebody owns, the new configuration included; version by version, the one that was pruned in first. */
function addBackOwned(
  merged: object,
  pruned: object,
  { managers, first, context }: { managers: Managers; first: string; context: Context },
): object {
  const owned = new Map<string, FieldSet>([[first, leaf]]);
  for (const { apiVersion, set } of managers.values()) owned.set(apiVersion, unite(owned.get(apiVersion) ?? leaf, set));
  let kept = pruned;
  for (const [apiVersion, set] of owned) {
    const version = inVersion(apiVersion, context);
    if (!version) continue;
    const { shape } = version;
    const whole = version.convert(merged);
    const wholeSet = withNamedFields(fieldsOf(whole, shape), shape);
    const stays = unite(withNamedFields(fieldsOf(version.convert(kept), shape), shape), withNamedFields(set, shape));
    kept = version.back((removeFields(whole, subtract(wholeSet, stays), shape) ?? {}) as object);
  }
  return kept;
}
