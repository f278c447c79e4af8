/**
 * Equality as the API means it: key order does not matter, a missing list is an empty one, a missing map is an empty one.
 * Missing and empty *objects* differ (`podSelector: {}` selects all), so maps are known by name.
 */
export function semanticallyEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (isMissing(left) && isMissing(right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  const isList = Array.isArray(left);
  if (isList !== Array.isArray(right)) return false;
  return isList ? listsEqual(left as unknown[], right as unknown[]) : objectsEqual(left as Fields, right as Fields);
}

type Fields = Record<string, unknown>;

const mapNames: ReadonlySet<string> = new Set([
  'labels',
  'annotations',
  'matchLabels',
  'nodeSelector',
  'limits',
  'requests',
  'overhead',
  'data',
  'binaryData',
  'stringData',
  'capacity',
  'parameters',
]);

function listsEqual(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((item, index) => semanticallyEqual(item, right[index]));
}

function objectsEqual(left: Fields, right: Fields): boolean {
  for (const key in left) if (!membersEqual(key, left[key], right[key])) return false;
  for (const key in right) if (!(key in left) && !membersEqual(key, undefined, right[key])) return false;
  return true;
}

function membersEqual(key: string, left: unknown, right: unknown): boolean {
  if (semanticallyEqual(left, right)) return true;
  return mapNames.has(key) && isEmptyMap(left) && isEmptyMap(right);
}

function isEmptyMap(value: unknown): boolean {
  return value == null || (typeof value === 'object' && Object.keys(value).length === 0);
}

function isMissing(value: unknown): boolean {
  return value == null || (Array.isArray(value) && value.length === 0);
}
