import { isObject } from '../patch/merge.ts';
import { type FieldSet, isEmptySet, isMember, self } from './field-set.ts';
import { resolve, type Shape, safeKeyOf } from './shapes.ts';

/**
 * The value without the members of the set. Containers that become empty are left out. The value is not changed. Source: structured-merge-diff,
 * typed/remove.go.
 */
export function removeFields(value: unknown, set: FieldSet, shape: Shape): unknown {
  if (isEmptySet(set)) return value;
  const known = resolve(shape, value);
  if (known.kind === 'map' && isObject(value) && !known.isAtomic) {
    const result: Record<string, unknown> = {};
    for (const name in value) {
      const node = set[`f:${name}`];
      const part = node === undefined ? value[name] : without(value[name], node, known.partOf(name));
      if (part !== undefined) result[name] = part;
    }
    return isEmptySet(result as FieldSet) ? undefined : result;
  }
  if (known.kind === 'list' && Array.isArray(value)) {
    const result = value.flatMap((item, index) => {
      const node = set[safeKeyOf(item, index, known)];
      const part = node === undefined ? item : without(item, node, known.item());
      return part === undefined ? [] : [part];
    });
    return result.length === 0 ? undefined : result;
  }
  return value;
}

function without(value: unknown, node: FieldSet, shape: Shape | undefined): unknown {
  if (isMember(node)) return undefined;
  return shape ? removeFields(value, node, shape) : value;
}

/** The set with every declared field in it that only something below was a member of. */
export function withNamedFields(set: FieldSet, shape: Shape | undefined): FieldSet {
  const result: { [key: string]: FieldSet } = {};
  for (const key in set) {
    const node = set[key]!;
    if (isEmptySet(node)) {
      result[key] = node;
      continue;
    }
    const below = withNamedFields(node, shape && stepInto(shape, key));
    const isNamed = key.startsWith('f:') && shape?.kind === 'map' && shape.isField(key.slice(2));
    result[key] = isNamed && !(self in below) ? { [self]: {}, ...below } : below;
  }
  return result;
}

function stepInto(shape: Shape, key: string): Shape | undefined {
  if (shape.kind === 'map') return key.startsWith('f:') ? shape.partOf(key.slice(2)) : undefined;
  if (shape.kind === 'list') return shape.item();
  return shape.kind === 'deduced' ? shape : undefined;
}
