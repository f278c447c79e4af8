import { isObject } from '../patch/merge.ts';

/**
 * A set of fields of an object, as metadata.managedFields' fieldsV1 writes it: a tree whose keys are `f:name`, `k:{"name":"x"}`, `v:"x"` and `i:0`. The empty
 * path `.` marks that the node itself is a member and not only what is below it. A leaf without children is a member. Sets are never changed, and share parts.
 */
export interface FieldSet {
  readonly [key: string]: FieldSet;
}

type Draft = { [key: string]: FieldSet };

export const self = '.';

/** The node of a member without children; as a whole set it is the empty one. */
export const leaf: FieldSet = Object.freeze({});

export function isEmptySet(set: FieldSet | undefined): boolean {
  if (!set) return true;
  for (const _key in set) return false;
  return true;
}

/** True when the node at the end of this subtree is itself a member. */
export function isMember(node: FieldSet): boolean {
  return node[self] !== undefined || isEmptySet(node);
}

/** A node of these children that is a member or not; undefined when nothing is left of it. */
export function nodeOf(children: FieldSet | undefined, member: boolean): FieldSet | undefined {
  if (isEmptySet(children)) return member ? leaf : undefined;
  return member ? { [self]: leaf, ...children } : children;
}

/** All members of both. */
export function unite(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  const result: Draft = { ...a };
  for (const key in b) {
    const old = a[key];
    result[key] = old === undefined ? b[key]! : uniteNodes(old, b[key]!);
  }
  return result;
}

function uniteNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  if (isEmptySet(a)) return isMember(b) ? b : { [self]: leaf, ...b };
  if (isEmptySet(b)) return isMember(a) ? a : { [self]: leaf, ...a };
  return unite(a, b);
}

/** Members of `a` that are not members of `b`. */
export function subtract(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b)) return a;
  const result: Draft = {};
  for (const key in a) {
    if (key === self) continue;
    const other = b[key];
    const left = other === undefined ? a[key] : subtractNodes(a[key]!, other);
    if (left) result[key] = left;
  }
  return result;
}

function subtractNodes(a: FieldSet, b: FieldSet): FieldSet | undefined {
  return nodeOf(subtract(a, b), isMember(a) && !isMember(b));
}

/** Members of `a` that are neither members of `b` nor below one. */
export function subtractBelow(a: FieldSet, b: FieldSet): FieldSet {
  const result: Draft = {};
  for (const key in a) {
    if (key === self) continue;
    const other = b[key];
    const left =
      other === undefined
        ? a[key]
        : isMember(other)
          ? undefined
          : nodeOf(subtractBelow(a[key]!, other), isMember(a[key]!));
    if (left) result[key] = left;
  }
  return result;
}

/** Members of both. */
export function intersect(a: FieldSet, b: FieldSet): FieldSet {
  const result: Draft = {};
  for (const key in a) {
    if (key === self) continue;
    const other = b[key];
    if (other === undefined) continue;
    const both = nodeOf(intersect(a[key]!, other), isMember(a[key]!) && isMember(other));
    if (both) result[key] = both;
  }
  return result;
}

/** Whether every member of `a` is one of `b`. */
export function isWithin(a: FieldSet, b: FieldSet): boolean {
  for (const key in a) {
    if (key === self) continue;
    const [own, other] = [a[key]!, b[key]];
    if (own === other) continue;
    if (!other || (isMember(own) && !isMember(other)) || !isWithin(own, other)) return false;
  }
  return true;
}

export function isSameSet(a: FieldSet, b: FieldSet): boolean {
  return a === b || (isWithin(a, b) && isWithin(b, a));
}

/** Whether the field at the end of the path is a member. */
export function hasPath(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const key of path) node = node?.[key];
  return node !== undefined && path.length > 0 && isMember(node);
}

/** The set of one path. */
export function setOf(path: readonly string[]): FieldSet {
  return path.reduceRight<FieldSet>((below, key) => ({ [key]: below }), leaf);
}

/** Every member as its path of keys, in upstream's order. */
export function pathsOf(set: FieldSet, prefix: readonly string[] = []): string[][] {
  const keys = Object.keys(set)
    .filter(key => key !== self)
    .sort(compareKeys);
  // Members of a level come before what is below any of them.
  const members = keys.filter(key => isMember(set[key]!)).map(key => [...prefix, key]);
  return [...members, ...keys.flatMap(key => pathsOf(set[key]!, [...prefix, key]))];
}

const ranks: Readonly<Record<string, number>> = { '.': 0, f: 1, k: 2, v: 3, i: 4 };

function compareKeys(a: string, b: string): number {
  const rank = ranks[a[0]!]! - ranks[b[0]!]!;
  return rank !== 0 ? rank : a < b ? -1 : a > b ? 1 : 0;
}

/** The set with its keys in order, for people and for equal bytes of equal sets. */
export function sortedSet(set: FieldSet): FieldSet {
  const keys = Object.keys(set);
  if (keys.length === 0) return leaf;
  const result: Draft = {};
  for (const key of keys.sort(compareKeys)) result[key] = sortedSet(set[key]!);
  return result;
}

/** `.spec.containers[name="web"].image`, as conflicts name fields. */
export function formatPath(path: readonly string[]): string {
  return path.map(formatStep).join('');
}

export function formatStep(key: string): string {
  const rest = key.slice(2);
  if (key.startsWith('f:')) return `.${rest}`;
  if (key.startsWith('i:')) return `[${rest}]`;
  if (key.startsWith('v:')) return `[=${rest}]`;
  const pairs = Object.entries(JSON.parse(rest) as Record<string, unknown>);
  return `[${pairs.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
}

/** Reads fieldsV1 as it came from a client. Undefined: it is no set. */
export function readFieldSet(value: unknown): FieldSet | undefined {
  if (value === undefined || value === null) return leaf;
  if (!isObject(value)) return undefined;
  return isTree(value) ? (value as unknown as FieldSet) : undefined;
}

function isTree(value: Record<string, unknown>): boolean {
  for (const key in value) {
    const below = value[key];
    if (!isObject(below) || !isKey(key) || !isTree(below)) return false;
  }
  return true;
}

function isKey(key: string): boolean {
  if (key === self) return true;
  if (key[1] !== ':') return false;
  if (key[0] === 'f') return true;
  if (key[0] === 'i') return /^-?\d+$/.test(key.slice(2));
  return (key[0] === 'k' || key[0] === 'v') && isKeyJson(key);
}

function isKeyJson(key: string): boolean {
  try {
    return key[0] === 'v' || isObject(JSON.parse(key.slice(2)));
  } catch {
    // Not JSON: then it is no key.
    return false;
  }
}
