import { maxRegexSizeOf } from './named-formats.ts';
import { CelOpaque, costSize, isList, isMap, itemsOf } from './values.ts';

/** What a call costs at run time: a number, or a function of its first two arguments and its result. */
export type CallCost = number | ((a: unknown, b: unknown, result: unknown) => number);

const stringFactor = 0.1;
const regexFactor = 0.25;

export const listCost = 10;
export const mapCost = 30;
export const structCost = 40;

const scan: CallCost = a => Math.ceil(costSize(a) * stringFactor);
const scanTwice: CallCost = a => Math.ceil(costSize(a) * 2 * stringFactor);
const regex: CallCost = (a, b) => Math.ceil((1 + costSize(a)) * stringFactor) * Math.ceil(costSize(b) * regexFactor);
const smaller: CallCost = (a, b) => Math.ceil(Math.min(costSize(a), costSize(b)) * stringFactor);
const sum: CallCost = (a, b) => Math.ceil((costSize(a) + costSize(b)) * stringFactor);

function traversal(value: unknown): number {
  if (typeof value === 'string') return Math.trunc(Buffer.byteLength(value) * stringFactor);
  if (value instanceof Uint8Array) return Math.trunc(value.length * stringFactor);
  let cost = 0;
  if (isList(value)) {
    for (const item of itemsOf(value)) cost += traversal(item);
    return cost;
  }
  if (!isMap(value)) return 1;
  for (const key of value.keyList()) cost += traversal(key) + traversal(value.find(key));
  return cost;
}

/** Parsing a selector: its text, and its requirements, of which each is at least two characters long. */
const selector: CallCost = (_a, b) => {
  const length = costSize(b);
  return listCost + Math.ceil(length * stringFactor) + Math.ceil(Math.ceil(length * 0.5) * (listCost + structCost));
};

const containsIp =
  (fromText: boolean): CallCost =>
  (a, b) =>
    Math.ceil(2 * costSize(a) * stringFactor) + (fromText ? Math.ceil(costSize(b) * stringFactor) : 0);

const containsCidr =
  (fromText: boolean): CallCost =>
  (a, b) =>
    Math.ceil(2 * costSize(a) * stringFactor) +
    Math.ceil(costSize(a) * stringFactor) +
    1 +
    (fromText ? Math.ceil(costSize(b) * stringFactor) : 0);

const validate: CallCost = (a, b) =>
  Math.ceil((1 + costSize(b)) * stringFactor) * Math.ceil(maxRegexSizeOf(a) * regexFactor);

/** An opaque value is compared at once. */
const equality: CallCost = (a, b, result) =>
  a instanceof CelOpaque ? 1 : (smaller as (...all: unknown[]) => number)(a, b, result);

const newList = (size: number, factor = 1): number => Math.trunc(size * factor) + 1 + listCost;

/** Sorting and such compare each with each. */
const selfCompare = (list: unknown): number => {
  const size = costSize(list);
  const first = isList(list) && size > 0 ? list.at(0) : undefined;
  return newList(size * size, typeof first === 'string' || first instanceof Uint8Array ? 2.1 : 2);
};

const sets =
  (factor: number): CallCost =>
  (a, b) =>
    1 + costSize(a) * costSize(b) * factor;

function each(cost: CallCost, ...names: string[]): [string, CallCost][] {
  return names.map(name => [name, cost]);
}

/** By overload, before those by function: the lists and sets extensions. */
const byExtension: ReadonlyMap<string, CallCost> = new Map([
  ...each((_a, _b, result) => newList(costSize(result)), 'list_slice', 'lists_range', 'list_reverse'),
  ...each(a => newList(costSize(a)), 'list_flatten'),
  ...each((a, b) => newList(costSize(a), Number(b)), 'list_flatten_int'),
  ...each(selfCompare, 'list_distinct'),
  ...each(sets(1), 'list_sets_contains_list', 'list_sets_intersects_list'),
  ...each(sets(2), 'list_sets_equivalent_list'),
]);

/** By function (Kubernetes' library/cost.go). */
const byFunction: ReadonlyMap<string, CallCost> = new Map([
  ...each(350_000, 'check'),
  ...each(selector, 'fieldSelector', 'labelSelector'),
  ...each(traversal, 'isSorted', 'sum', 'max', 'min', 'indexOf', 'lastIndexOf'),
  ...each(scan, 'url', 'lowerAscii', 'upperAscii', 'substring', 'trim', 'jsonpatch.escapeKey'),
  ...each(scan, 'cidr', 'isIP', 'isCIDR', 'quantity', 'isQuantity', 'semver', 'isSemver'),
  ...each(scanTwice, 'replace', 'split', 'ip.isCanonical'),
  ...each((_a, _b, result) => Math.ceil(costSize(result) * 2 * stringFactor), 'join'),
  ...each(regex, 'find', 'findAll'),
  ...each(validate, 'validate'),
  ...each(equality, '_==_'),
]);

/** By overload: the language's own, and those of a function that differ. */
const byOverload: ReadonlyMap<string, CallCost> = new Map([
  ...each(1, 'cidr_ip'),
  ...each(scan, 'string_to_ip', 'starts_with_string', 'ends_with_string', 'string_to_bytes', 'bytes_to_string'),
  ...each(scan, 'strings_quote', 'string_format'),
  ...each(containsIp(true), 'cidr_contains_ip_string'),
  ...each(containsIp(false), 'cidr_contains_ip_ip'),
  ...each(containsCidr(true), 'cidr_contains_cidr_string'),
  ...each(containsCidr(false), 'cidr_contains_cidr'),
  ...each((_a, b) => costSize(b), 'in_list'),
  ...each(smaller, 'less_string', 'greater_string', 'less_equals_string', 'greater_equals_string'),
  ...each(smaller, 'less_bytes', 'greater_bytes', 'less_equals_bytes', 'greater_equals_bytes', 'equals', 'not_equals'),
  ...each(sum, 'add_string', 'add_bytes'),
  ...each(regex, 'matches_string'),
  ...each((a, b) => Math.ceil(costSize(a) * stringFactor) * Math.ceil(costSize(b) * stringFactor), 'contains_string'),
]);

/** The run-time cost of a call; `overload` is empty where the checker left several. */
export function callCost(fn: string, overload: string): CallCost {
  const extension = /^list_.*_(sort|sortByAssociatedKeys)$/.exec(overload)?.[1];
  if (extension === 'sort') return selfCompare;
  if (extension === 'sortByAssociatedKeys') return (_a, b) => selfCompare(b);
  return byExtension.get(overload) ?? byFunction.get(fn) ?? byOverload.get(overload) ?? 1;
}
