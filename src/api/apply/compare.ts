import { isObject } from '../patch/merge.ts';
import { type FieldSet, leaf, self, unite } from './field-set.ts';
import { type ListShape, type MapShape, type ResolvedShape, resolve, type Shape, safeKeyOf } from './shapes.ts';

type Fields = Record<string, unknown>;

/** What differs between two values, by field. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

const kinds = ['added', 'modified', 'removed'] as const;

/** Nodes of one place; undefined: nothing. */
type Difference = { [kind in (typeof kinds)[number]]?: FieldSet | undefined };

/** Compares field by field. Source: structured-merge-diff, typed/compare.go. */
export function compare(before: unknown, after: unknown, shape: Shape): Comparison {
  const found = compareAt(before, after, shape) ?? {};
  return { added: found.added ?? leaf, modified: found.modified ?? leaf, removed: found.removed ?? leaf };
}

/** `before` and `after` may be undefined, but not both. */
function compareAt(before: unknown, after: unknown, shape: Shape): Difference | undefined {
  if (before === after) return undefined;
  if (before === undefined) return { added: everyPlace(after, shape) };
  if (after === undefined) return { removed: everyPlace(before, shape) };
  const left = resolve(shape, before);
  const right = resolve(shape, after);
  if (left === right) return compareAs(before, after, right);
  return merged(compareAs(before, after, left), compareAs(before, after, right));
}

/** What came or went with all that is in it. One call for each level: what nobody has typed may be deep. */
function everyPlace(value: unknown, shape: Shape): FieldSet {
  const known = resolve(shape, value);
  if (isLeaf(value, undefined, known)) return leaf;
  const set: { [key: string]: FieldSet } = { [self]: leaf };
  if (known.kind === 'list') {
    for (const [key, items] of itemsByKey(value, known)) {
      set[key] = items.length > 1 ? leaf : everyPlace(items[0], known.item());
    }
    return set;
  }
  const fields = value as Fields;
  for (const name in fields) {
    const part = fields[name] === undefined ? undefined : (known as MapShape).partOf(name);
    if (part) set[`f:${name}`] = everyPlace(fields[name], part);
  }
  return set;
}

/** Owned as one piece; two empty containers too, for which of both was meant must be kept. */
function isLeaf(before: unknown, after: unknown, shape: ResolvedShape): boolean {
  if (shape.kind === 'scalar') return true;
  if (shape.kind === 'list') return shape.by === 'index' || (isEmptyList(before) && isEmptyList(after));
  return shape.isAtomic || (isEmptyMap(before) && isEmptyMap(after));
}

function isEmptyList(value: unknown): boolean {
  return !Array.isArray(value) || value.length === 0;
}

function isEmptyMap(value: unknown): boolean {
  if (!isObject(value)) return true;
  for (const name in value) if (value[name] !== undefined) return false;
  return true;
}

function compareAs(before: unknown, after: unknown, shape: ResolvedShape): Difference | undefined {
  if (isLeaf(before, after, shape)) return compareLeaves(before, after);
  return shape.kind === 'list' ? compareLists(before, after, shape) : compareMaps(before, after, shape as MapShape);
}

function compareLeaves(before: unknown, after: unknown): Difference | undefined {
  return isSame(before, after) ? undefined : { modified: leaf };
}

/** Differences of parts, collected under their keys. */
class Collector {
  #found: { [kind in (typeof kinds)[number]]?: { [key: string]: FieldSet } } | undefined;
  put(key: string, difference: Difference | undefined): void {
    if (!difference) return;
    for (const kind of kinds) {
      const node = difference[kind];
      if (!node) continue;
      this.#found ??= {};
      this.#found[kind] ??= {};
      const level = this.#found[kind];
      const known = level[key];
      level[key] = known ? unite({ x: known }, { x: node })['x']! : node;
    }
  }
  get found(): Difference | undefined {
    return this.#found;
  }
}

function merged(a: Difference | undefined, b: Difference | undefined): Difference | undefined {
  const collector = new Collector();
  collector.put('x', a);
  collector.put('x', b);
  const { found } = collector;
  return found && { added: found.added?.['x'], modified: found.modified?.['x'], removed: found.removed?.['x'] };
}

function compareMaps(before: unknown, after: unknown, shape: MapShape): Difference | undefined {
  const left = isObject(before) ? before : undefined;
  const right = isObject(after) ? after : undefined;
  const collector = new Collector();
  for (const name in right) comparePart(name, { left, right, shape, collector });
  for (const name in left) {
    if (right?.[name] === undefined) comparePart(name, { left, right, shape, collector });
  }
  return collector.found;
}

interface MapPair {
  readonly left: Fields | undefined;
  readonly right: Fields | undefined;
  readonly shape: MapShape;
  readonly collector: Collector;
}

function comparePart(name: string, { left, right, shape, collector }: MapPair): void {
  let before = left && Object.hasOwn(left, name) ? left[name] : undefined;
  let after = right && Object.hasOwn(right, name) ? right[name] : undefined;
  if (before === after) return;
  const part = shape.partOf(name);
  if (!part) return;
  const always = shape.always.get(name);
  if (always && left && before === undefined) before = standIn(always, after);
  if (always && right && after === undefined) after = standIn(always, before);
  collector.put(`f:${name}`, compareAt(before, after, part));
}

/** What Go has where JSON says nothing. */
function standIn(always: 'struct' | 'zero', other: unknown): unknown {
  if (always === 'struct') return {};
  if (typeof other === 'string') return '';
  if (typeof other === 'number') return 0;
  return typeof other === 'boolean' ? false : null;
}

/** Items by their keys; several items of one key are compared as one piece. */
function compareLists(before: unknown, after: unknown, shape: ListShape): Difference | undefined {
  const left = itemsByKey(before, shape);
  const right = itemsByKey(after, shape);
  const collector = new Collector();
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    collector.put(key, compareItems(left.get(key) ?? [], right.get(key) ?? [], shape));
  }
  return collector.found;
}

function compareItems(left: readonly unknown[], right: readonly unknown[], shape: ListShape): Difference | undefined {
  if (left.length <= 1 && right.length <= 1) return compareAt(left[0], right[0], shape.item());
  if (left.length > 1 && right.length > 1) return isSame(left, right) ? undefined : { modified: leaf };
  // Duplicates that came or went: the one item there was or is goes or comes as a whole.
  const single = left.length > 1 ? right[0] : left[0];
  const [was, is] = left.length > 1 ? [undefined, single] : [single, undefined];
  const parts = single === undefined ? undefined : compareAt(was, is, shape.item());
  return merged(parts, left.length > 1 ? { removed: leaf } : { added: leaf });
}

export function itemsByKey(list: unknown, shape: ListShape): Map<string, unknown[]> {
  const items = new Map<string, unknown[]>();
  if (!Array.isArray(list)) return items;
  for (let index = 0; index < list.length; index++) {
    const key = safeKeyOf(list[index], index, shape);
    const known = items.get(key);
    if (known) known.push(list[index]);
    else items.set(key, [list[index]]);
  }
  return items;
}

/** Equal as JSON, whatever the order of keys. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => isSame(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  for (const name in a) if (a[name] !== undefined && !isSame(a[name], b[name])) return false;
  for (const name in b) if (b[name] !== undefined && a[name] === undefined) return false;
  return true;
}
