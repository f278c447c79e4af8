import type { Expr } from './ast.ts';
import { add, fixed, largest, multiply, one, type Range, scale } from './estimate-range.ts';
import type { CelType } from './types.ts';

/** What an estimate knows of an argument. */
export interface Argument {
  readonly expr: Expr;
  readonly size: Range;
  /** Size of its items, or of its keys if it is a map; undefined for what has none. */
  readonly item: { readonly type: CelType; readonly size: Range } | undefined;
}

export interface CallEstimate {
  readonly cost: Range;
  /** Size of what comes back, where that is a list, map, text or bytes. */
  readonly size?: Range;
}

export interface EstimatedCall {
  readonly overload: string;
  readonly target: Argument | undefined;
  readonly args: readonly Argument[];
}

/** The estimate of a call by itself; undefined: cel-go's own applies. */
type Estimator = (call: EstimatedCall) => CallEstimate | undefined;

const stringFactor = 0.1;
const regexFactor = 0.25;
const listBase = fixed(10);
const requirementCost = 50;

const scan = (size: Range): Range => scale(size, stringFactor);

const ofArgument: Estimator = ({ args }) => (args.length === 0 ? undefined : { cost: scan(args[0]!.size) });
const ofArgumentTwice: Estimator = ({ args }) =>
  args.length === 0 ? undefined : { cost: scale(args[0]!.size, 2 * stringFactor) };
const sameSizeArgument: Estimator = ({ args }) =>
  args.length === 1 ? { cost: scan(args[0]!.size), size: args[0]!.size } : undefined;
const sameSizeTarget: Estimator = ({ target }) => target && { cost: scan(target.size), size: target.size };
const constant =
  (cost: number): Estimator =>
  () => ({ cost: fixed(cost) });

const selector: Estimator = ({ args }) => {
  if (args.length !== 1) return undefined;
  const requirements = scale(args[0]!.size, 0.5);
  return { cost: add(listBase, scan(args[0]!.size), scale(requirements, requirementCost)) };
};

const traverse: Estimator = ({ target }) => {
  if (target === undefined) return undefined;
  if (target.item === undefined) return { cost: scan(target.size) };
  const isText = target.item.type.kind === 'string' || target.item.type.kind === 'bytes';
  const each = isText ? add(one, scan(target.item.size)) : one;
  return { cost: multiply(target.size, each) };
};

/** Bounds of the size of `text.replace(old, by)`. */
const replace: Estimator = ({ target, args }) => {
  if (target === undefined || args.length < 2) return undefined;
  const { size } = target;
  const old = args[0]!.size;
  const by = args[1]!.size;
  const longest = replaced({ text: size.max, old: old.min, grows: by.max > old.min });
  const shortest = replaced({ text: size.min, old: old.max, grows: old.max > by.min });
  return {
    cost: scale(size, 2 * stringFactor),
    size: {
      min: Math.min(largest, shortest.count * by.min + shortest.kept),
      max: Math.min(largest, longest.count * by.max + longest.kept),
    },
  };
};

/** How often something is replaced, and how much of the text stays: an empty pattern is found around each character. */
function replaced({ text, old, grows }: { text: number; old: number; grows: boolean }): {
  count: number;
  kept: number;
} {
  if (old === 0) return { count: Math.min(largest, text + 1), kept: text };
  return grows ? { count: Math.ceil(text / old), kept: 0 } : { count: 0, kept: text };
}

const split: Estimator = ({ target, args }) => {
  if (target === undefined) return undefined;
  const limit = args[1]?.expr;
  const given = limit?.kind === 'literal' && typeof limit.value === 'bigint' ? limit.value : undefined;
  const max = given === undefined ? target.size.max : given < 0n ? largest : Number(given);
  return { cost: scale(target.size, 2 * stringFactor), size: { min: 0, max } };
};

const join: Estimator = ({ target, args }) => {
  if (target === undefined) return undefined;
  const items = target.item === undefined ? fixed(0) : multiply(target.size, target.item.size);
  const gaps = { min: Math.max(0, target.size.min - 1), max: Math.max(0, target.size.max - 1) };
  const size = args.length === 0 ? items : add(items, multiply(args[0]!.size, gaps));
  return { cost: scan(size), size };
};

const find: Estimator = ({ target, args }) => {
  if (target === undefined || args.length === 0) return undefined;
  const cost = multiply(scan(add(target.size, one)), scale(args[0]!.size, regexFactor));
  return { cost, size: { min: 0, max: target.size.max } };
};

const ip: Estimator = call => (call.overload === 'cidr_ip' ? { cost: one } : ofArgument(call));

const addressSize: Range = { min: 4, max: 16 };
const compareAddresses = scan(add(addressSize, addressSize));

const containsIp: Estimator = ({ overload, args }) => {
  if (args.length === 0) return undefined;
  const parse = overload === 'cidr_contains_ip_string' ? [scan(args[0]!.size)] : [];
  return { cost: add(compareAddresses, ...parse) };
};

const containsCidr: Estimator = ({ overload, args }) => {
  if (args.length === 0) return undefined;
  const parse = overload === 'cidr_contains_cidr_string' ? [scan(args[0]!.size)] : [];
  return { cost: add(compareAddresses, scan(addressSize), one, ...parse) };
};

const maxNameFormatRegexSize = 128;
const validate: Estimator = ({ args }) =>
  args.length === 0 ? undefined : { cost: scale(scan(args[0]!.size), maxNameFormatRegexSize * regexFactor) };

const maxFormatSize = 64;

/** Equality of opaque values: at once; of formats and URLs, by their texts. */
const equality: Estimator = ({ args }) => {
  const [left, right] = args;
  const name = left?.expr.type?.name;
  if (left?.expr.type?.kind !== 'opaque' || name !== right?.expr.type?.name) return undefined;
  if (name === 'optional_type') return undefined;
  if (name === 'kubernetes.NamedFormat') return { cost: scan({ min: 1, max: maxFormatSize }) };
  if (name === 'kubernetes.URL') return { cost: scan({ min: 1, max: right!.size.max }) };
  return { cost: one };
};

const newList = (size: Range, factor = 1): CallEstimate => ({ cost: add(scale(size, factor), one, listBase), size });

function literalSize(argument: Argument | undefined, otherwise: number): number {
  const expr = argument?.expr;
  if (expr?.kind !== 'literal' || typeof expr.value !== 'bigint') return otherwise;
  return expr.value < 0n ? 0 : Number(expr.value);
}

const slice: Estimator = ({ target, args }) =>
  target && newList(fixed(Math.max(0, literalSize(args[1], target.size.max) - literalSize(args[0], 0))));
const sameList: Estimator = ({ target }) => target && newList(target.size);
const flatten: Estimator = ({ target, args }) =>
  target && newList(target.size, args.length === 0 ? 1 : literalSize(args[0], largest));
const compareAll = (size: Range, factor: number): CallEstimate => newList(multiply(size, size), factor);
const sets =
  (factor: number): Estimator =>
  ({ args }) => ({ cost: add(scale(multiply(args[0]!.size, args[1]!.size), factor), one) });

function each(estimator: Estimator, ...names: string[]): [string, Estimator][] {
  return names.map(name => [name, estimator]);
}

const accessors =
  'serviceAccount path group resource subresource namespace name allowed reason error errored masked prefixLength family isUnspecified ' +
  'isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast format.named sign asInteger isInteger asApproximateFloat ' +
  'isGreaterThan isLessThan compareTo add sub major minor patch getScheme getHostname getHost getPort getEscapedPath getQuery';

/** The lists and sets extensions, by overload. */
const byOverload: ReadonlyMap<string, Estimator> = new Map([
  ...each(slice, 'list_slice'),
  ...each(flatten, 'list_flatten', 'list_flatten_int'),
  ...each(({ args }) => newList(fixed(literalSize(args[0], largest))), 'lists_range'),
  ...each(sameList, 'list_reverse'),
  ...each(({ target }) => target && compareAll(target.size, 2), 'list_distinct'),
  ...each(sets(1), 'list_sets_contains_list', 'list_sets_intersects_list'),
  ...each(sets(2), 'list_sets_equivalent_list'),
]);

/** Kubernetes' estimates, by function (library/cost.go). */
const byFunction: ReadonlyMap<string, Estimator> = new Map([
  ...each(constant(350_000), 'check'),
  ...each(constant(1), ...accessors.split(' ')),
  ...each(selector, 'fieldSelector', 'labelSelector'),
  ...each(traverse, 'isSorted', 'sum', 'max', 'min', 'indexOf', 'lastIndexOf'),
  ...each(sameSizeArgument, 'url', 'jsonpatch.escapeKey'),
  ...each(sameSizeTarget, 'lowerAscii', 'upperAscii', 'substring', 'trim'),
  ...each(replace, 'replace'),
  ...each(split, 'split'),
  ...each(join, 'join'),
  ...each(find, 'find', 'findAll'),
  ...each(ofArgument, 'cidr', 'isIP', 'isCIDR', 'quantity', 'isQuantity', 'semver', 'isSemver'),
  ...each(ip, 'ip'),
  ...each(ofArgumentTwice, 'ip.isCanonical'),
  ...each(containsIp, 'containsIP'),
  ...each(containsCidr, 'containsCIDR'),
  ...each(validate, 'validate'),
  ...each(equality, '_==_'),
]);

/** The estimate of a call without its arguments. */
export function estimateCall(fn: string, call: EstimatedCall): CallEstimate | undefined {
  return (
    byOverload.get(call.overload)?.(call) ?? estimateSort(call) ?? byFunction.get(fn)?.(call) ?? estimateCore(call)
  );
}

function estimateSort({ overload, target, args }: EstimatedCall): CallEstimate | undefined {
  const match = /^list_(.*)_(sort|sortByAssociatedKeys)$/.exec(overload);
  const list = match?.[2] === 'sort' ? target : args[0];
  if (match === null || list === undefined) return undefined;
  return compareAll(list.size, match[1] === 'string' || match[1] === 'bytes' ? 2 + stringFactor : 2);
}

/** cel-go's own functions (checker/cost.go); 1 for what has no entry. */
function estimateCore({ overload, target, args }: EstimatedCall): CallEstimate {
  const [a, b] = args;
  switch (overload) {
    case 'string_format':
      return { cost: scan(target!.size) };
    case 'string_to_bytes':
      return { cost: scan(a!.size), size: { min: a!.size.min, max: Math.min(largest, a!.size.max * 4) } };
    case 'bytes_to_string':
      return { cost: scan(a!.size), size: { min: Math.floor(a!.size.min / 4), max: a!.size.max } };
    case 'strings_quote':
      return { cost: scan(a!.size), size: { min: a!.size.min + 2, max: Math.min(largest, a!.size.max * 2 + 2) } };
    case 'starts_with_string':
    case 'ends_with_string':
      return { cost: scan(a!.size) };
    case 'in_list':
      return { cost: b!.size };
    case 'matches_string':
      return { cost: multiply(scan(add(target!.size, one)), scale(a!.size, regexFactor)) };
    case 'contains_string':
      return { cost: multiply(scan(target!.size), scan(a!.size)) };
    case 'add_string':
    case 'add_bytes':
      return { cost: scan(add(a!.size, b!.size)), size: add(a!.size, b!.size) };
    case 'add_list':
      return { cost: one, size: add(a!.size, b!.size) };
    default:
      return {
        cost: /^(less|greater)(_equals)?_(string|bytes)$|^(not_)?equals$/.test(overload) ? compare(a!, b!) : one,
      };
  }
}

function compare(a: Argument, b: Argument): Range {
  const max = Math.min(a.size.max, b.size.max);
  return scan({ min: max > 0 ? 1 : 0, max });
}
