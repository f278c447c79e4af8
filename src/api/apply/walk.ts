import { isObject } from '../patch/merge.ts';
import type { FieldNode, TypeNode } from '../scheme.ts';
import type { FieldSet } from './field-set.ts';

/** How a value is owned: as one piece, field by field, item by item by key, or item by item by value. */
export type Shape =
  | { kind: 'atomic' }
  | { kind: 'fields'; fieldOf(name: string): Shape }
  | { kind: 'keyed'; keys: readonly string[]; defaults: Readonly<Record<string, unknown>>; item: Shape }
  | { kind: 'set' };

const atomic: Shape = { kind: 'atomic' };

/** Derives shapes from types; one per type and field, made when first used. Fields of unknown types are owned field by field (as upstream's deduced type). */
export function createShapes(): (type: TypeNode) => Shape {
  const ofType = new WeakMap<TypeNode, Shape>();
  const ofField = new WeakMap<FieldNode, Shape>();
  const shapeOf = (type: TypeNode): Shape => {
    const known = ofType.get(type);
    if (known) return known;
    const shape = derive(type, undefined);
    ofType.set(type, shape);
    return shape;
  };
  const shapeOfField = (field: FieldNode): Shape => {
    const known = ofField.get(field);
    if (known) return known;
    const shape = derive(field.type, field);
    ofField.set(field, shape);
    return shape;
  };
  const derive = (type: TypeNode, field: FieldNode | undefined): Shape => {
    if (type.kind === 'object') {
      if ((field?.mapType ?? type.mapType) === 'atomic') return atomic;
      if (!type.fields?.size) return type.preserveUnknown ? deduced : atomic;
      const { fields } = type;
      return {
        kind: 'fields',
        fieldOf: name => {
          const part = fields.get(name);
          return part ? shapeOfField(part) : deduced;
        },
      };
    }
    if (type.kind === 'map') {
      if ((field?.mapType ?? type.mapType) === 'atomic') return atomic;
      const item = shapeOf(type.items!);
      return { kind: 'fields', fieldOf: () => item };
    }
    if (type.kind === 'list') return deriveList(type, field, shapeOf);
    return type.kind === 'any' ? deduced : atomic;
  };
  return shapeOf;
}

function deriveList(type: TypeNode, field: FieldNode | undefined, shapeOf: (type: TypeNode) => Shape): Shape {
  const listType = field?.listType ?? type.listType;
  if (listType === 'set') return { kind: 'set' };
  if (listType !== 'map') return atomic;
  const keys = field?.listMapKeys ?? type.listMapKeys ?? [];
  const fields = type.items?.fields;
  const defaults = Object.fromEntries(
    keys.flatMap(key => (fields?.get(key)?.default === undefined ? [] : [[key, fields.get(key)!.default]])),
  );
  return { kind: 'keyed', keys, defaults, item: shapeOf(type.items!) };
}

/** What the schema does not tell: objects field by field, everything else as one piece. */
const deduced: Shape = { kind: 'fields', fieldOf: () => deduced };

/** The key of an item of a keyed list: `k:{"containerPort":80,"protocol":"TCP"}`, names sorted, defaults filled in. */
export function keyOfItem(item: unknown, shape: Shape & { kind: 'keyed' }): string {
  const fields = isObject(item) ? item : {};
  const pairs = [...shape.keys].sort().flatMap(name => {
    const value = fields[name] ?? shape.defaults[name];
    return value === undefined ? [] : [[name, value]];
  });
  return `k:${JSON.stringify(Object.fromEntries(pairs))}`;
}

export function keyOfValue(value: unknown): string {
  return `v:${JSON.stringify(value)}`;
}

/** Every field that the value sets. */
export function fieldsOf(value: unknown, shape: Shape): FieldSet {
  if (shape.kind === 'fields' && isObject(value)) {
    const set: FieldSet = {};
    for (const [name, part] of Object.entries(value))
      if (part !== undefined) set[`f:${name}`] = fieldsOf(part, shape.fieldOf(name));
    return set;
  }
  if (shape.kind === 'keyed' && Array.isArray(value)) {
    const set: FieldSet = {};
    for (const item of value) set[keyOfItem(item, shape)] = { '.': {}, ...fieldsOf(item, shape.item) };
    return set;
  }
  if (shape.kind === 'set' && Array.isArray(value))
    return Object.fromEntries(value.map(item => [keyOfValue(item), {}]));
  return {};
}

/** Fields that differ between two values: `changed` are set or changed in `after`, `removed` were there only before. */
export function compareFields(before: unknown, after: unknown, shape: Shape): { changed: FieldSet; removed: FieldSet } {
  const changed: FieldSet = {};
  const removed: FieldSet = {};
  const [left, right] = [partsOf(before, shape), partsOf(after, shape)];
  if (!left || !right) return { changed, removed };
  for (const [key, part] of right) {
    const old = left.get(key);
    if (!old) changed[key] = withSelf(fieldsOf(part.value, part.shape), key);
    else if (old.value !== part.value)
      addDifference({ key, old: old.value, now: part.value, shape: part.shape, changed, removed });
  }
  for (const [key, part] of left) if (!right.has(key)) removed[key] = withSelf(fieldsOf(part.value, part.shape), key);
  return { changed, removed };
}

function addDifference(at: {
  key: string;
  old: unknown;
  now: unknown;
  shape: Shape;
  changed: FieldSet;
  removed: FieldSet;
}): void {
  const { key, old, now, shape, changed, removed } = at;
  if (!partsOf(old, shape) || !partsOf(now, shape)) {
    if (!isSame(old, now)) changed[key] = fieldsOf(now, shape);
    return;
  }
  const below = compareFields(old, now, shape);
  if (Object.keys(below.changed).length) changed[key] = below.changed;
  if (Object.keys(below.removed).length) removed[key] = below.removed;
}

function withSelf(set: FieldSet, key: string): FieldSet {
  return key.startsWith('k:') ? { '.': {}, ...set } : set;
}

/** The parts of a value that are owned one by one, by their key; undefined for a value that is owned whole. */
export function partsOf(value: unknown, shape: Shape): Map<string, { value: unknown; shape: Shape }> | undefined {
  if (shape.kind === 'fields' && isObject(value)) {
    const entries = Object.entries(value).filter(([, part]) => part !== undefined);
    return new Map(entries.map(([name, part]) => [`f:${name}`, { value: part, shape: shape.fieldOf(name) }]));
  }
  if (shape.kind === 'keyed' && Array.isArray(value))
    return new Map(value.map(item => [keyOfItem(item, shape), { value: item, shape: shape.item }]));
  if (shape.kind === 'set' && Array.isArray(value))
    return new Map(value.map(item => [keyOfValue(item), { value: item, shape: atomic }]));
  return undefined;
}

/** Equal as JSON, whatever the order of keys. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => isSame(item, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a).filter(key => a[key] !== undefined);
  return (
    keys.length === Object.keys(b).filter(key => b[key] !== undefined).length &&
    keys.every(key => isSame(a[key], b[key]))
  );
}
