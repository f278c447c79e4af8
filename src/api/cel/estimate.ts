import type { Comprehension, Expr } from './ast.ts';
import { type Argument, type CallEstimate, estimateCall } from './estimate-calls.ts';
import { add, fixed, largest, multiply, one, type Range, union, unknownSize, zero } from './estimate-range.ts';
import { listCost, mapCost, structCost } from './runtime-cost.ts';
import { type CelType, isOptional } from './types.ts';
import { stringSize } from './values.ts';

/**
 * The cost of a checked expression before it runs, as cel-go (checker/cost.go) with Kubernetes' estimator has it. Sizes of data are bounded by
 * the declared types of the variables, found by the path on which an expression reaches them.
 */
export function estimateCost(expr: Expr, sizeOf: SizeOf): { min: number; max: number } {
  const { min, max } = new Estimator(sizeOf).cost(expr);
  return { min: bounded(min), max: bounded(max) };
}

const bounded = (value: number): number => (value >= largest ? Number.POSITIVE_INFINITY : value);

/** The bounds of the size of data: by where it comes from, and its type. */
export type SizeOf = (path: Path, type: CelType) => Range | undefined;

/** Sizes as the declared types of variables bound them. What does not come from a variable is taken for `self`, as upstream does. */
export function declaredSizes(variables: ReadonlyMap<string, CelType>): SizeOf {
  return path => {
    if (path.length === 0) return undefined;
    let type = variables.get(path[0]!) ?? variables.get('self');
    for (const step of path.slice(1)) type = type && stepInto(type, step);
    return type && { min: 0, max: type.maxElements ?? (sized.has(type.kind) ? largest : 0) };
  };
}

/** Where data comes from: a variable, then field names, `@items`, `@keys`, `@values`. Empty when not from a variable. */
export type Path = readonly string[];

/** Sizes of the keys and values of a list or map that the expression makes. */
interface EntrySize {
  readonly kind: 'list' | 'map';
  readonly key: Range;
  readonly value: Range;
}

interface Local {
  readonly path: Path;
  readonly size: Range | undefined;
  readonly entry: EntrySize | undefined;
}

class Estimator {
  readonly #declaredSize: SizeOf;
  readonly #paths = new Map<Expr, Path>();
  readonly #sizes = new Map<Expr, Range>();
  readonly #entries = new Map<Expr, EntrySize>();
  readonly #locals = new Map<string, Local[]>();

  constructor(sizeOf: SizeOf) {
    this.#declaredSize = sizeOf;
  }

  cost(expr: Expr): Range {
    switch (expr.kind) {
      case 'literal':
        return zero;
      case 'ident':
        this.#paths.set(expr, this.#local(expr.name)?.path ?? [expr.name]);
        return one;
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return add(fixed(structCost), ...expr.entries.map(entry => this.cost(entry.value)));
      case 'comprehension':
        return expr.macro.name === 'bind' ? this.#bind(expr) : this.#comprehension(expr);
    }
  }

  #local(name: string): Local | undefined {
    return this.#locals.get(name)?.at(-1);
  }

  #push(name: string, local: Local): void {
    const stack = this.#locals.get(name);
    if (stack === undefined) this.#locals.set(name, [local]);
    else stack.push(local);
  }

  #pop(name: string): void {
    this.#locals.get(name)?.pop();
  }

  #pathOf(expr: Expr): Path {
    const local = expr.kind === 'ident' ? this.#local(expr.name) : undefined;
    return local?.path ?? this.#paths.get(expr) ?? [];
  }

  #select(expr: Expr & { kind: 'select' }): Range {
    const operand = this.cost(expr.operand);
    if (expr.testOnly) return operand;
    this.#paths.set(expr, [...this.#pathOf(expr.operand), expr.field]);
    const { kind } = expr.operand.type!;
    return kind === 'map' || kind === 'object' ? add(operand, one) : operand;
  }

  #sizeOf(expr: Expr): Range | undefined {
    const known = this.#sizes.get(expr) ?? literalSize(expr);
    if (known !== undefined) return known;
    const declared = this.#declaredSize(this.#pathOf(expr), expr.type!);
    if (declared !== undefined) {
      this.#sizes.set(expr, declared);
      return declared;
    }
    if (isScalar(expr.type!)) return one;
    return expr.kind === 'ident' ? this.#local(expr.name)?.size : undefined;
  }

  #entryOf(expr: Expr): EntrySize | undefined {
    return this.#entries.get(expr) ?? (expr.kind === 'ident' ? this.#local(expr.name)?.entry : undefined);
  }

  #setSizes(expr: Expr, sizes: { size: Range | undefined; entry: EntrySize | undefined }): void {
    if (sizes.size !== undefined) this.#sizes.set(expr, sizes.size);
    if (sizes.entry !== undefined) this.#entries.set(expr, sizes.entry);
  }

  #argument(expr: Expr): Argument {
    const type = expr.type!.params?.[0];
    const path = this.#pathOf(expr);
    const itemPath = path.length > 0 ? [...path, '@items'] : path;
    const item = type && { type, size: this.#declaredSize(itemPath, type) ?? unknownSize };
    return { expr, size: this.#sizeOf(expr) ?? unknownSize, item };
  }

  #call(expr: Expr & { kind: 'call' }): Range {
    if (expr.fn === 'dyn') return this.#dyn(expr, expr.args[0]!);
    const costs = expr.args.map(arg => this.cost(arg));
    const args = expr.args.map(arg => this.#argument(arg));
    const overloads = expr.overloads ?? [];
    if (overloads.length === 0) return zero;
    const before = expr.target === undefined ? zero : this.cost(expr.target);
    const target = expr.target && this.#argument(expr.target);
    let cost: Range = { min: largest, max: 0 };
    let size: Range | undefined;
    for (const overload of overloads) {
      const estimate = this.#overload(expr, { overload, target, args, costs });
      cost = union(cost, estimate.cost);
      if (estimate.size !== undefined) size = size === undefined ? estimate.size : union(size, estimate.size);
      size = this.#indexed(expr, overload, size) ?? this.#sizeOf(expr);
    }
    if (size !== undefined) this.#sizes.set(expr, size);
    return add(before, cost);
  }

  /** An index leads the path on, and takes the size of a made list's or map's values. */
  #indexed(expr: Expr & { kind: 'call' }, overload: string, size: Range | undefined): Range | undefined {
    const step = overload === 'index_list' ? '@items' : overload === 'index_map' ? '@values' : undefined;
    if (step === undefined) return size;
    const base = expr.args[0]!;
    this.#paths.set(expr, [...this.#pathOf(base), step]);
    return this.#entryOf(base)?.value;
  }

  #dyn(expr: Expr, arg: Expr): Range {
    const cost = this.cost(arg);
    this.#setSizes(expr, { size: this.#sizeOf(arg), entry: this.#entryOf(arg) });
    return add(cost, one);
  }

  #overload(
    expr: Expr & { kind: 'call' },
    call: { overload: string; target: Argument | undefined; args: readonly Argument[]; costs: readonly Range[] },
  ): CallEstimate {
    const { overload, args, costs } = call;
    if (overload === 'logical_and' || overload === 'logical_or') {
      return { cost: { min: costs[0]!.min, max: add(...costs).max } };
    }
    if (overload === 'conditional') return this.#conditional(expr, args, costs);
    if (overload === 'add_string' || overload === 'add_bytes' || overload === 'add_list') this.#mergeEntries(expr);
    const estimate = estimateCall(expr.fn, call) ?? { cost: one };
    return { ...estimate, cost: add(estimate.cost, ...costs) };
  }

  #conditional(expr: Expr & { kind: 'call' }, args: readonly Argument[], costs: readonly Range[]): CallEstimate {
    const [yes, no] = expr.args.slice(1).map(arg => this.#entryOf(arg));
    if (yes !== undefined && no !== undefined) this.#entries.set(expr, unionEntries(yes, no));
    const cost = add(costs[0]!, union(costs[1]!, costs[2]!));
    return { cost, size: union(args[1]!.size, args[2]!.size) };
  }

  #mergeEntries(expr: Expr & { kind: 'call' }): void {
    const [left, right] = expr.args.map(arg => this.#entryOf(arg));
    if (left !== undefined && right !== undefined) this.#entries.set(expr, unionEntries(left, right));
  }

  #list(expr: Expr & { kind: 'list' }): Range {
    const cost = add(fixed(listCost), ...expr.items.map(item => this.cost(item)));
    this.#entries.set(expr, { kind: 'list', key: one, value: this.#unionSizes(expr.items) });
    return cost;
  }

  #map(expr: Expr & { kind: 'map' }): Range {
    const keys = expr.entries.map(entry => entry.key);
    const values = expr.entries.map(entry => entry.value);
    const cost = add(fixed(mapCost), ...[...keys, ...values].map(part => this.cost(part)));
    this.#entries.set(expr, { kind: 'map', key: this.#unionSizes(keys), value: this.#unionSizes(values) });
    return cost;
  }

  #unionSizes(exprs: readonly Expr[]): Range {
    const sizes = exprs.map(expr => this.#sizeOf(expr) ?? unknownSize);
    return sizes.length === 0 ? zero : sizes.reduce(union);
  }

  #pushAccumulator(name: string, init: Expr): void {
    this.#push(name, { path: this.#pathOf(init), size: this.#sizeOf(init), entry: this.#entryOf(init) });
  }

  #bind(expr: Expr & Comprehension): Range {
    const before = add(this.cost(expr.range), this.cost(expr.init));
    this.#pushAccumulator(expr.accuVar, expr.init);
    const result = this.cost(expr.result);
    this.#pop(expr.accuVar);
    this.#setSizes(expr, { size: this.#sizeOf(expr.result), entry: this.#entryOf(expr.result) });
    return add(before, result);
  }

  /** What the iteration variables stand for. */
  #iterate(expr: Comprehension): readonly string[] {
    const entry = this.#entryOf(expr.range);
    const kind = entry?.kind ?? expr.range.type!.kind;
    const path = this.#pathOf(expr.range);
    const keys = { path: [...path, kind === 'list' ? '@indices' : '@keys'], size: entry?.key, entry: undefined };
    const values = { path: [...path, kind === 'list' ? '@items' : '@values'], size: entry?.value, entry: undefined };
    if (expr.iterVar2 === '') {
      this.#push(expr.iterVar, kind === 'list' ? values : keys);
      return [expr.iterVar];
    }
    this.#push(expr.iterVar, keys);
    this.#push(expr.iterVar2, values);
    return [expr.iterVar, expr.iterVar2];
  }

  #comprehension(expr: Expr & Comprehension): Range {
    const before = add(this.cost(expr.range), this.cost(expr.init));
    this.#pushAccumulator(expr.accuVar, expr.init);
    const names = this.#iterate(expr);
    const loop = add(this.cost(expr.condition), this.cost(expr.step));
    for (const name of names) this.#pop(name);
    const result = this.cost(expr.result);
    this.#pop(expr.accuVar);
    const count = this.#sizeOf(expr.range) ?? unknownSize;
    const isContainer = expr.init.kind === 'list' || expr.init.kind === 'map';
    if (isContainer) this.#setSizes(expr, { size: count, entry: this.#entryOf(expr.step) });
    else this.#setSizes(expr, { size: this.#sizeOf(expr.init), entry: undefined });
    return add(before, result, multiply(count, loop));
  }
}

/** Kinds whose values are as large as they like; upstream's size of others is 0. */
const sized: ReadonlySet<string> = new Set(['string', 'bytes', 'list', 'map', 'dyn']);

function stepInto(type: CelType, step: string): CelType | undefined {
  switch (step) {
    case '@items':
    case '@values':
      return type.kind === 'list' ? type.params![0] : type.kind === 'map' ? type.params![1] : undefined;
    case '@keys':
      return type.kind === 'map' ? type.params![0] : undefined;
    default:
      return type.fields?.get(step)?.type;
  }
}

function literalSize(expr: Expr): Range | undefined {
  switch (expr.kind) {
    case 'literal':
      if (typeof expr.value === 'string') return fixed(stringSize(expr.value));
      return expr.value instanceof Uint8Array ? fixed(expr.value.length) : one;
    case 'list':
      return fixed(expr.items.length);
    case 'map':
      return fixed(expr.entries.length);
    default:
      return undefined;
  }
}

const scalars: ReadonlySet<string> = new Set(['bool', 'double', 'duration', 'int', 'timestamp', 'uint']);

function isScalar(type: CelType): boolean {
  return scalars.has(type.kind) || (isOptional(type) && isScalar(type.params![0]!));
}

function unionEntries(a: EntrySize, b: EntrySize): EntrySize {
  return { kind: a.kind, key: union(a.key, b.key), value: union(a.value, b.value) };
}
