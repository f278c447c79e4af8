import { isObject } from '../patch/merge.ts';
import { type FieldSet, formatStep, leaf, nodeOf } from './field-set.ts';
import {
  KeyError,
  keyOf,
  type ListShape,
  type MapShape,
  resolve,
  type ScalarShape,
  type Shape,
  safeKeyOf,
} from './shapes.ts';

/** Every field that a value sets. Source: structured-merge-diff, typed/tofieldset.go. */
export function fieldsOf(value: unknown, shape: Shape): FieldSet {
  return fieldsAt(value, shape) ?? leaf;
}

/** Undefined: nothing below is a field, nor the place itself. */
function fieldsAt(value: unknown, shape: Shape): FieldSet | undefined {
  const known = resolve(shape, value);
  if (known.kind === 'scalar') return leaf;
  if (known.kind === 'list') return known.by === 'index' ? leaf : fieldsOfList(value, known);
  return known.isAtomic ? leaf : fieldsOfMap(value, known);
}

function fieldsOfList(value: unknown, shape: ListShape): FieldSet | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const set: { [key: string]: FieldSet } = {};
  const item = shape.item();
  value.forEach((part, index) => {
    set[safeKeyOf(part, index, shape)] = nodeOf(withoutSelf(fieldsAt(part, item)), true)!;
  });
  return set;
}

function withoutSelf(node: FieldSet | undefined): FieldSet | undefined {
  if (!node || !('.' in node)) return node;
  const { '.': _self, ...rest } = node;
  return rest;
}

function fieldsOfMap(value: unknown, shape: MapShape): FieldSet | undefined {
  if (!isObject(value)) return undefined;
  const set: { [key: string]: FieldSet } = {};
  let isAny = false;
  for (const name in value) {
    const part = value[name];
    const partShape = shape.partOf(name);
    if (part === undefined || !partShape) continue;
    // A declared field is there when something is in it; a key of a map is a field by itself.
    const isOwn = part === null || isEmptyObject(part) || !shape.isField(name);
    const node = nodeOf(withoutSelf(fieldsAt(part, partShape)), isOwn || isLeafNode(part, partShape));
    if (!node) continue;
    set[`f:${name}`] = node;
    isAny = true;
  }
  return isAny ? set : undefined;
}

function isLeafNode(value: unknown, shape: Shape): boolean {
  const known = resolve(shape, value);
  if (known.kind === 'scalar') return true;
  return known.kind === 'list' ? known.by === 'index' : known.isAtomic;
}

function isEmptyObject(value: unknown): boolean {
  if (!isObject(value)) return false;
  for (const _name in value) return false;
  return true;
}

/** Reports stop here: a hostile body must not grow the answer. */
const maxProblems = 100;

/**
 * What of a value does not fit its shape, as upstream words it: `.spec.x: field not declared in schema`. Empty: all fits. Source: structured-merge-diff,
 * typed/validate.go.
 */
export function typeProblems(value: unknown, shape: Shape): string[] {
  const problems: string[] = [];
  validate(value, shape, { path: '', problems });
  return problems;
}

/** Several problems in one text. */
export function formatProblems(problems: readonly string[]): string {
  return problems.length === 1 ? problems[0]! : ['errors:', ...problems.map(problem => `  ${problem}`)].join('\n');
}

interface Place {
  readonly path: string;
  readonly problems: string[];
}

function report({ path, problems }: Place, message: string): void {
  if (problems.length < maxProblems) problems.push(path ? `${path}: ${message}` : message);
}

function validate(value: unknown, shape: Shape, place: Place): void {
  if (value === null || value === undefined || shape.kind === 'deduced') return;
  if (shape.kind === 'scalar') validateScalar(value, shape, place);
  else if (shape.kind === 'list') validateList(value, shape, place);
  else validateMap(value, shape, place);
}

function validateScalar(value: unknown, { of }: ScalarShape, place: Place): void {
  const type = typeof value;
  if (of === 'numeric' && type !== 'number') {
    report(place, `expected numeric (int or float), got ${goType(value)}`);
  } else if (of === 'string' && type !== 'string') {
    report(place, `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`);
  } else if (of === 'boolean' && type !== 'boolean') {
    report(place, `expected boolean, got &{${goText(value)}}`);
  } else if (of === 'untyped' && type === 'object') {
    report(place, `expected any scalar, got &{${goText(value)}}`);
  }
}

function validateList(value: unknown, shape: ListShape, place: Place): void {
  if (!Array.isArray(value)) {
    report(place, `expected list, got &{${goText(value)}}`);
    return;
  }
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    let key: string;
    try {
      key = keyOf(item, index, shape);
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
      // Nothing deeper can be named.
      report(place, `element ${index}: ${error.message}`);
      return;
    }
    if (shape.by !== 'index' && seen.has(key)) report(place, `duplicate entries for key ${formatStep(key)}`);
    seen.add(key);
    validate(item, shape.item(), { ...place, path: place.path + formatStep(key) });
  }
}

function validateMap(value: unknown, shape: MapShape, place: Place): void {
  if (!isObject(value)) {
    report(place, `expected map, got &{${goText(value)}}`);
    return;
  }
  for (const [name, part] of Object.entries(value)) {
    const partShape = shape.partOf(name);
    const at = { ...place, path: `${place.path}.${name}` };
    if (!partShape) report(at, 'field not declared in schema');
    else validate(part, partShape, at);
  }
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (isObject(value)) return 'map[string]interface {}';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** As Go prints it with %v. */
function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (!isObject(value)) return value === null ? '<nil>' : String(value);
  const names = Object.keys(value).sort();
  return `map[${names.map(name => `${name}:${goText(value[name])}`).join(' ')}]`;
}

/** As Go prints it with %#v. */
function goSyntax(value: unknown): string {
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (!isObject(value)) return value === null ? 'interface {}(nil)' : JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `map[string]interface {}{${names.map(name => `${JSON.stringify(name)}:${goSyntax(value[name])}`).join(', ')}}`;
}
