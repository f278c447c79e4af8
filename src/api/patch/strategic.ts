import type { FieldNode, TypeNode } from '../scheme.ts';
import { PatchError } from './json.ts';
import { isObject } from './merge.ts';

type Fields = Record<string, unknown>;

const directive = '$patch';
const retainKeys = '$retainKeys';
const deletePrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

/**
 * Applies a strategic merge patch and gives a new value; the target is not changed. Lists with a merge key are merged by it, lists of scalars with the merge
 * strategy are united, all others are replaced. Throws PatchError. Source: apimachinery's strategicpatch and its design document.
 */
export function applyStrategicPatch(target: unknown, patch: unknown, type: TypeNode): unknown {
  if (!isObject(patch)) throw new PatchError('invalid', 'the patch must be an object');
  return mergeObject(isObject(target) ? target : {}, patch, type);
}

function mergeObject(target: Fields, patch: Fields, type: TypeNode | undefined): Fields {
  switch (patch[directive]) {
    case undefined:
    case 'merge':
      break;
    case 'replace':
      return withoutDirectives(patch);
    case 'delete':
      return {};
    default:
      throw unknownDirective(patch);
  }
  const result: Fields = { ...target };
  keepOnly(result, patch);
  for (const [name, value] of Object.entries(patch)) {
    if (name === directive || name === retainKeys) continue;
    if (name.startsWith(deletePrefix)) deleteItems(result, name.slice(deletePrefix.length), value);
    else if (!name.startsWith(orderPrefix))
      mergeField({
        result,
        name,
        value,
        field: type?.fields?.get(name),
        map: type?.kind === 'map' ? type.items : undefined,
      });
  }
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith(orderPrefix))
      orderItems(result, name.slice(orderPrefix.length), { order: value, before: target, type });
  }
  return result;
}

function mergeField(at: {
  result: Fields;
  name: string;
  value: unknown;
  field: FieldNode | undefined;
  map: TypeNode | undefined;
}): void {
  const { result, name, value, field } = at;
  const type = field?.type ?? at.map;
  if (value === null) {
    delete result[name];
    return;
  }
  const before = result[name];
  if (isObject(value) && type?.kind !== 'any') {
    const isReplaced = field?.patchStrategy?.split(',').includes('replace') ?? false;
    const merged = isReplaced ? withoutDirectives(value) : mergeObject(isObject(before) ? before : {}, value, type);
    // As upstream: a part that is deleted leaves an empty one, which most fields do not show.
    if (value[directive] === 'delete' && before === undefined) delete result[name];
    else result[name] = merged;
  } else if (Array.isArray(value) && field?.patchStrategy?.split(',').includes('merge')) {
    result[name] = mergeList(Array.isArray(before) ? before : [], value, field);
  } else {
    result[name] = structuredClone(value);
  }
}

function mergeList(before: readonly unknown[], patch: readonly unknown[], field: FieldNode): unknown[] {
  const merged = uniteLists(before, patch, field);
  const isReplaced = patch.some(item => isObject(item) && item[directive] === 'replace');
  return isReplaced ? merged : inOrder(merged, { order: patch, before, mergeKey: field.mergeKey });
}

function uniteLists(before: readonly unknown[], patch: readonly unknown[], field: FieldNode): unknown[] {
  const { mergeKey } = field;
  if (!mergeKey) return uniteScalars(before, patch);
  const isReplaced = patch.some(item => isObject(item) && item[directive] === 'replace');
  const result: unknown[] = isReplaced ? [] : [...before];
  // Where items of a key stand, those that have no key left out.
  const places = new Map<string, number[]>();
  for (const [index, known] of result.entries()) {
    if (isObject(known)) listOf(places, keyText(known[mergeKey])).push(index);
  }
  for (const item of patch) {
    const key = keyOfItem(item, mergeKey);
    if (key === undefined) continue;
    const at = listOf(places, keyText(key));
    const change = item as Fields;
    if (change[directive] === 'delete') for (const index of at.splice(0)) result[index] = gone;
    else if (at.length > 0) result[at[0]!] = mergeObject(result[at[0]!] as Fields, change, field.type.items);
    else at.push(result.push(mergeObject({}, change, field.type.items)) - 1);
  }
  return result.filter(item => item !== gone);
}

const gone = Symbol('gone');

function uniteScalars(before: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const result = [...before];
  const known = new Set(before.map(keyText));
  for (const item of patch) {
    if (known.has(keyText(item))) continue;
    known.add(keyText(item));
    result.push(item);
  }
  return result;
}

/** The same for equal keys, which are scalars in every type that has some. */
function keyText(key: unknown): string {
  return JSON.stringify(key) ?? '';
}

function listOf(places: Map<string, number[]>, key: string): number[] {
  let list = places.get(key);
  if (!list) {
    list = [];
    places.set(key, list);
  }
  return list;
}

/** Undefined for an item that only says that the list is replaced. Throws PatchError for what is no item of such a list. */
function keyOfItem(item: unknown, mergeKey: string): unknown {
  if (!isObject(item)) throw wrongItem(item);
  if (item[directive] === 'replace') return undefined;
  if (item[directive] === 'merge') {
    throw new PatchError('invalid', 'merging lists cannot yet be specified in the patch');
  }
  if (item[directive] !== undefined && item[directive] !== 'delete') throw unknownDirective(item);
  const key = item[mergeKey];
  if (key === undefined || key === null) {
    throw new PatchError('invalid', `map: ${goText(item)} does not contain declared merge key: ${mergeKey}`);
  }
  return key;
}

/** Only the named fields stay. What the patch sets must be named, too. */
function keepOnly(result: Fields, patch: Fields): void {
  const names = patch[retainKeys];
  if (names === undefined) return;
  const isDirective = (name: string) => name.startsWith('$');
  const unnamed = (name: string) => patch[name] !== null && !isDirective(name) && !(names as unknown[]).includes(name);
  if (!Array.isArray(names) || Object.keys(patch).some(unnamed)) {
    throw new PatchError('invalid', 'invalid patch format of retainKeys');
  }
  for (const name of Object.keys(result)) if (!names.includes(name)) delete result[name];
}

function unknownDirective(patch: Fields): PatchError {
  return new PatchError('invalid', `unknown patch type: ${goText(patch[directive])} in map: ${goText(patch)}`);
}

/** All items of a list that is merged by a key are maps. */
function wrongItem(item: unknown): PatchError {
  if (Array.isArray(item)) return new PatchError('unprocessable', 'lists of lists are not supported');
  return new PatchError('invalid', `expected a map, but received a ${goKind(item)}`);
}

function goKind(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'boolean' ? 'bool' : value === null ? 'nil' : typeof value;
}

/** As Go prints it with %v. */
function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (!isObject(value)) return value === null || value === undefined ? '<nil>' : String(value);
  const names = Object.keys(value).sort();
  return `map[${names.map(name => `${name}:${goText(value[name])}`).join(' ')}]`;
}

function deleteItems(result: Fields, name: string, items: unknown): void {
  const before = result[name];
  if (!Array.isArray(items)) throw new PatchError('invalid', 'invalid patch format of primitive list');
  const unwanted = new Set(items.map(keyText));
  if (Array.isArray(before)) result[name] = before.filter(item => !unwanted.has(keyText(item)));
}

function orderItems(
  result: Fields,
  name: string,
  at: { order: unknown; before: Fields; type: TypeNode | undefined },
): void {
  const items = result[name];
  if (!Array.isArray(items)) return;
  if (!Array.isArray(at.order)) throw new PatchError('invalid', 'invalid patch format of setElementOrder list');
  const before = Array.isArray(at.before[name]) ? at.before[name] : [];
  result[name] = inOrder(items, { order: at.order, before, mergeKey: at.type?.fields?.get(name)?.mergeKey });
}

/**
 * The items that `order` names, in its order, and among them the others in the order that they had before: an other stands before a named one only when it
 * did so before, so what a patch adds comes first.
 */
function inOrder(
  items: readonly unknown[],
  at: { order: readonly unknown[]; before: readonly unknown[]; mergeKey: string | undefined },
): unknown[] {
  const keyOf = (item: unknown) => keyText(at.mergeKey && isObject(item) ? item[at.mergeKey] : item);
  const ranks = (list: readonly unknown[]) => new Map(list.map((item, index) => [keyOf(item), index]));
  const [wanted, had] = [ranks(at.order), ranks(at.before)];
  const ranked = items.map(item => {
    const key = keyOf(item);
    return { item, wanted: wanted.get(key), had: had.get(key) ?? -1 };
  });
  const named = ranked.filter(one => one.wanted !== undefined).sort((a, b) => a.wanted! - b.wanted!);
  const others = ranked.filter(one => one.wanted === undefined).sort((a, b) => a.had - b.had);
  const result: unknown[] = [];
  let next = 0;
  for (const { item, had: rank } of named) {
    while (next < others.length && others[next]!.had >= 0 && others[next]!.had < rank)
      result.push(others[next++]!.item);
    result.push(item);
  }
  return [...result, ...others.slice(next).map(({ item }) => item)];
}

function withoutDirectives(value: unknown): Fields;
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(item => withoutDirectives(item));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([name, part]) => part !== null && !name.startsWith('$'));
  return Object.fromEntries(entries.map(([name, part]) => [name, withoutDirectives(part)]));
}
