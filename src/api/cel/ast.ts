import type { CelType } from './types.ts';

/** Node of a parsed expression. The checker fills in `type` and `overloads`, and rewrites qualified names to `ident`. */
export type Expr = { pos: number; depth: number; size: number; type?: CelType } & ExprKind;

export type ExprKind =
  | { kind: 'literal'; value: unknown }
  | { kind: 'ident'; name: string; constant?: unknown }
  | { kind: 'select'; operand: Expr; field: string; testOnly: boolean }
  | { kind: 'call'; fn: string; target: Expr | undefined; args: Expr[]; overloads?: readonly string[] }
  | { kind: 'list'; items: Expr[]; optionals: ReadonlySet<number> }
  | { kind: 'map'; entries: MapEntry[] }
  | { kind: 'struct'; name: string; entries: StructEntry[] }
  | Comprehension;

export interface MapEntry {
  pos: number;
  key: Expr;
  value: Expr;
  optional: boolean;
}

export interface StructEntry {
  pos: number;
  field: string;
  value: Expr;
  optional: boolean;
}

/**
 * A macro over a range. The parts are the general fold of the language definition, which the checker and the cost estimate go through; `macro`
 * says what it was written as, which is what the evaluator runs.
 */
export interface Comprehension {
  kind: 'comprehension';
  range: Expr;
  iterVar: string;
  iterVar2: string;
  accuVar: string;
  init: Expr;
  condition: Expr;
  step: Expr;
  result: Expr;
  macro: Macro;
}

export type Macro =
  | { name: 'all' | 'exists' | 'existsOne'; predicate: Expr }
  | { name: 'list'; filter: Expr | undefined; item: Expr }
  | { name: 'map'; filter: Expr | undefined; item: Expr }
  | { name: 'mapEntries'; filter: Expr | undefined; item: Expr }
  | { name: 'bind' };

/** Not a name that a user can write. */
export const accumulator = '@result';

function childrenOf(node: ExprKind): readonly Expr[] {
  switch (node.kind) {
    case 'select':
      return [node.operand];
    case 'call':
      return node.target === undefined ? node.args : [node.target, ...node.args];
    case 'list':
      return node.items;
    case 'map':
      return node.entries.flatMap(entry => [entry.key, entry.value]);
    case 'struct':
      return node.entries.map(entry => entry.value);
    case 'comprehension':
      return [node.range, node.init, node.condition, node.step, node.result];
    default:
      return [];
  }
}

/** Makes a node; its depth bounds all later recursion, its size (nodes in all) the work of compiling. */
export function node(pos: number, kind: ExprKind): Expr {
  let depth = 0;
  let size = 1;
  for (const child of childrenOf(kind)) {
    depth = Math.max(depth, child.depth);
    size += child.size;
  }
  return { pos, depth: depth + 1, size, ...kind };
}

export const literal = (pos: number, value: unknown): Expr => node(pos, { kind: 'literal', value });
export const ident = (pos: number, name: string): Expr => node(pos, { kind: 'ident', name });
export const call = (pos: number, fn: string, ...args: Expr[]): Expr =>
  node(pos, { kind: 'call', fn, target: undefined, args });
export const memberCall = (pos: number, fn: string, target: Expr, args: Expr[] = []): Expr =>
  node(pos, { kind: 'call', fn, target, args });
export const list = (pos: number, ...items: Expr[]): Expr => node(pos, { kind: 'list', items, optionals: new Set() });

/** A deep copy: a macro that uses an argument twice must not share nodes, because the checker writes into them. */
export function copyExpr(expr: Expr): Expr {
  return copyInto(expr, new Map());
}

function copyInto(expr: Expr, done: Map<Expr, Expr>): Expr {
  const known = done.get(expr);
  if (known !== undefined) return known;
  const copied = { ...expr, ...copyParts(expr, part => copyInto(part, done)) } as Expr;
  done.set(expr, copied);
  return copied;
}

function copyParts(expr: Expr, copy: (part: Expr) => Expr): Partial<Record<string, unknown>> {
  switch (expr.kind) {
    case 'select':
      return { operand: copy(expr.operand) };
    case 'call':
      return { target: expr.target && copy(expr.target), args: expr.args.map(copy) };
    case 'list':
      return { items: expr.items.map(copy) };
    case 'map':
      return { entries: expr.entries.map(entry => ({ ...entry, key: copy(entry.key), value: copy(entry.value) })) };
    case 'struct':
      return { entries: expr.entries.map(entry => ({ ...entry, value: copy(entry.value) })) };
    case 'comprehension':
      return copyFold(expr, copy);
    default:
      return {};
  }
}

/** The macro's own parts are nodes of the fold: the memo keeps them so in the copy. */
function copyFold(fold: Comprehension, copy: (part: Expr) => Expr): Partial<Comprehension> {
  const { macro } = fold;
  return {
    range: copy(fold.range),
    init: copy(fold.init),
    condition: copy(fold.condition),
    step: copy(fold.step),
    result: copy(fold.result),
    macro:
      'predicate' in macro
        ? { ...macro, predicate: copy(macro.predicate) }
        : 'item' in macro
          ? { ...macro, item: copy(macro.item), filter: macro.filter && copy(macro.filter) }
          : macro,
  };
}
