import { isObject } from '../patch/merge.ts';

/**
 * A set of fields of an object, as metadata.managedFields' fieldsV1 writes it: a tree whose keys are `f:name`, `k:{"name":"x"}`, `v:"x"` and `i:0`. The empty
 * path `.` marks that the node itself is a member and not only what is below it. A leaf without children is a member.
 */
export interface FieldSet {
  [key: string]: FieldSet;
}

export const self = '.';

const empty: FieldSet = Object.freeze({});

export function isEmptySet(set: FieldSet | undefined): boolean {
  return !set || Object.keys(set).length === 0;
}

/** True when the node at the end of this subtree is itself a member. */
function isMember(set: FieldSet): boolean {
  return self in set || isEmptySet(set);
}

/** All members of both. */
export function unite(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSet = { ...a };
  for (const [key, sub] of Object.entries(b)) result[key] = key in a ? uniteNodes(a[key]!, sub) : sub;
  return result;
}

function uniteNodes(a: FieldSet, b: FieldSet): FieldSet {
  const united = unite(a, b);
  const isBoth = isMember(a) || isMember(b);
  const { [self]: _, ...below } = united;
  if (isEmptySet(below)) return empty;
  return isBoth ? { [self]: empty, ...below } : below;
}

/** Members of `a` that are not members of `b`. */
export function subtract(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSet = {};
  for (const [key, sub] of Object.entries(a)) {
    const other = b[key];
    const left = other === undefined ? sub : subtractNodes(sub, other);
    if (left) result[key] = left;
  }
  return result;
}

function subtractNodes(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const { [self]: _own, ...aBelow } = a;
  const { [self]: _other, ...bBelow } = b;
  const stays = isMember(a) && !isMember(b);
  const below = subtract(aBelow, bBelow);
  if (isEmptySet(below)) return stays ? empty : undefined;
  return stays ? { [self]: empty, ...below } : below;
}

/** Members of both. */
export function intersect(a: FieldSet, b: FieldSet): FieldSet {
  return subtract(a, subtract(a, b));
}

/** Every member as its path of keys. */
export function pathsOf(set: FieldSet, prefix: readonly string[] = []): string[][] {
  return Object.entries(set).flatMap(([key, sub]) => {
    if (key === self) return [];
    const path = [...prefix, key];
    return [...(isMember(sub) ? [path] : []), ...pathsOf(sub, path)];
  });
}

/** The set of these paths. */
export function setOf(paths: Iterable<readonly string[]>): FieldSet {
  let set: FieldSet = {};
  for (const path of paths) {
    const branch = path.reduceRight<FieldSet>((below, key) => ({ [key]: below }), {});
    set = unite(set, branch);
  }
  return set;
}

/** `.spec.containers[name="web"].image`, as conflicts name fields. */
export function formatPath(path: readonly string[]): string {
  return path
    .map(key => {
      const rest = key.slice(2);
      if (key.startsWith('f:')) return `.${rest}`;
      if (key.startsWith('i:')) return `[${rest}]`;
      if (key.startsWith('v:')) return `[=${rest}]`;
      const pairs = Object.entries(JSON.parse(rest) as Record<string, unknown>).map(
        ([name, value]) => `${name}=${JSON.stringify(value)}`,
      );
      return `[${pairs.join(',')}]`;
    })
    .join('');
}

/** Reads fieldsV1 as it came from a client; anything that is no tree becomes empty. */
export function readFieldSet(value: unknown): FieldSet {
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([key, sub]) => [key, readFieldSet(sub)]));
}
