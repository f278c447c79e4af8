import { isObject } from '../patch/merge.ts';
import type { FieldNode, TypeNode } from '../scheme.ts';

/** How a value is owned: as one piece, field by field, item by item by key, or item by item by value. */
export type Shape = ScalarShape | MapShape | ListShape | DeducedShape;

export interface ScalarShape {
  readonly kind: 'scalar';
  readonly of: 'string' | 'numeric' | 'boolean' | 'untyped';
}

export interface MapShape {
  readonly kind: 'map';
  readonly isAtomic: boolean;
  /** The shape of a member; undefined: the schema declares none of this name. */
  partOf(name: string): Shape | undefined;
  /** Whether the name is a declared field, not a key of a map. */
  isField(name: string): boolean;
  /** Parts that Go always has: structs that are no pointers, and fields without omitempty. */
  readonly always: ReadonlyMap<string, 'struct' | 'zero'>;
}

export interface ListShape {
  readonly kind: 'list';
  readonly by: 'index' | 'value' | 'key';
  readonly keys: readonly string[];
  readonly defaults: Readonly<Record<string, unknown>>;
  item(): Shape;
}

/** What the schema does not tell: objects field by field, everything else as one piece. */
export interface DeducedShape {
  readonly kind: 'deduced';
}

const deduced: DeducedShape = { kind: 'deduced' };
const nothing: ReadonlyMap<string, 'struct' | 'zero'> = new Map();
const untyped: ScalarShape = { kind: 'scalar', of: 'untyped' };
const deducedMap: MapShape = {
  kind: 'map',
  isAtomic: false,
  partOf: () => deduced,
  isField: () => false,
  always: nothing,
};
const deducedList: ListShape = { kind: 'list', by: 'index', keys: [], defaults: {}, item: () => deduced };

export type ResolvedShape = Exclude<Shape, DeducedShape>;

/** The shape that a value of unknown shape has by itself. */
export function resolve(shape: Shape, value: unknown): ResolvedShape {
  if (shape.kind !== 'deduced') return shape;
  if (Array.isArray(value)) return deducedList;
  return isObject(value) ? deducedMap : untyped;
}

const scalars: Readonly<Partial<Record<TypeNode['kind'], ScalarShape['of']>>> = {
  string: 'string',
  bytes: 'string',
  time: 'string',
  microtime: 'string',
  integer: 'numeric',
  number: 'numeric',
  boolean: 'boolean',
  quantity: 'untyped',
  'int-or-string': 'untyped',
};

/** Derives shapes from types; one per type and field, made when first used. */
export function createShapes(): (type: TypeNode) => Shape {
  const ofType = new WeakMap<TypeNode, Shape>();
  const ofField = new WeakMap<FieldNode, Shape>();
  const shapeOf = (type: TypeNode): Shape => {
    let shape = ofType.get(type);
    if (!shape) {
      shape = derive(type, type, shapes);
      ofType.set(type, shape);
    }
    return shape;
  };
  const shapeOfField = (field: FieldNode): Shape => {
    let shape = ofField.get(field);
    if (!shape) {
      shape = isMarked(field) ? derive(field.type, field, shapes) : shapeOf(field.type);
      ofField.set(field, shape);
    }
    return shape;
  };
  const shapes: Shapes = { shapeOf, shapeOfField };
  return shapeOf;
}

interface Shapes {
  shapeOf(type: TypeNode): Shape;
  shapeOfField(field: FieldNode): Shape;
}

/** List and map semantics may stand on the field as well as on the type. */
type Marks = Pick<FieldNode, 'listType' | 'listMapKeys' | 'mapType'>;

function isMarked(field: FieldNode): boolean {
  return field.listType !== undefined || field.mapType !== undefined;
}

function derive(type: TypeNode, marks: Marks, shapes: Shapes): Shape {
  const scalar = scalars[type.kind];
  if (scalar) return { kind: 'scalar', of: scalar };
  if (type.kind === 'list') return deriveList(type, marks, shapes);
  if (type.kind === 'any') return deduced;
  const isAtomic = (marks.mapType ?? type.mapType) === 'atomic';
  if (type.kind === 'map') {
    return { kind: 'map', isAtomic, partOf: () => shapes.shapeOf(type.items!), isField: () => false, always: nothing };
  }
  if (!type.fields?.size && type.preserveUnknown) return isAtomic ? { ...deducedMap, isAtomic } : deduced;
  const fields = type.fields ?? new Map<string, FieldNode>();
  return {
    kind: 'map',
    isAtomic,
    partOf: name => {
      const field = fields.get(name);
      if (field) return shapes.shapeOfField(field);
      if (type.items) return shapes.shapeOf(type.items);
      return type.preserveUnknown ? deduced : undefined;
    },
    isField: name => fields.has(name),
    always: alwaysOf(type, fields),
  };
}

function deriveList(type: TypeNode, marks: Marks, shapes: Shapes): ListShape {
  const listType = marks.listType ?? type.listType;
  const keys = marks.listMapKeys ?? type.listMapKeys ?? [];
  const by = listType === 'set' ? 'value' : listType === 'map' && keys.length > 0 ? 'key' : 'index';
  const fields = type.items?.fields;
  const defaults = Object.fromEntries(
    keys.flatMap(key => (fields?.get(key)?.default === undefined ? [] : [[key, fields.get(key)!.default]])),
  );
  return { kind: 'list', by, keys: [...keys].sort(), defaults, item: () => shapes.shapeOf(type.items!) };
}

/** Custom objects are as they are written; those of built-in types have what Go's types have. */
function alwaysOf(type: TypeNode, fields: ReadonlyMap<string, FieldNode>): ReadonlyMap<string, 'struct' | 'zero'> {
  const isGo = type.name?.startsWith('io.k8s.') ?? false;
  const always = new Map<string, 'struct' | 'zero'>();
  for (const [name, field] of fields) {
    if (field.isStruct) always.set(name, 'struct');
    else if (isGo && field.required) always.set(name, 'zero');
  }
  return always;
}

/** An item cannot be told from others: the text says why, as upstream. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
}

/** The key of an item of a list: `k:{"containerPort":80,"protocol":"TCP"}` (names sorted, defaults filled in), `v:"x"` or `i:0`. Throws KeyError. */
export function keyOf(item: unknown, index: number, shape: ListShape): string {
  if (shape.by === 'index') return `i:${index}`;
  return shape.by === 'value' ? keyOfValue(item) : keyOfItem(item, shape);
}

function keyOfValue(item: unknown): string {
  if (isObject(item)) throw new KeyError("associative list without keys has an element that's a map type");
  if (Array.isArray(item)) throw new KeyError('not supported: associative list with lists as elements');
  if (item === null) throw new KeyError("associative list without keys has an element that's an explicit null");
  return `v:${JSON.stringify(item)}`;
}

function keyOfItem(item: unknown, { keys, defaults }: ListShape): string {
  if (item === null) throw new KeyError('associative list with keys may not have a null element');
  if (!isObject(item)) throw new KeyError('associative list with keys may not have non-map elements');
  const pairs: [string, unknown][] = [];
  for (const name of keys) {
    const value = item[name] ?? defaults[name];
    if (value !== undefined) pairs.push([name, value]);
  }
  // One key that is there tells the item from others.
  if (pairs.length === 0) {
    const names = `[${keys.map(name => JSON.stringify(name)).join(' ')}]`;
    const why = `associative list with keys has an element that omits all key fields ${names}`;
    throw new KeyError(`${why} (and doesn't have default values for any key fields)`);
  }
  return `k:${JSON.stringify(Object.fromEntries(pairs))}`;
}

/** As keyOf, for values that are stored already: one that has no key is told apart by its place. */
export function safeKeyOf(item: unknown, index: number, shape: ListShape): string {
  try {
    return keyOf(item, index, shape);
  } catch (error) {
    if (error instanceof KeyError) return `i:${index}`;
    throw error;
  }
}
