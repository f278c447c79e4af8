import { compileRe2, RegexError } from '../regex.ts';
import type { Expr } from './ast.ts';
import type { CheckIssue } from './checker.ts';
import { Fault } from './errors.ts';
import { parseDuration, parseTimestamp } from './time.ts';

/** Readers of constant arguments: [index of the argument, reader]. */
const readers: Readonly<Record<string, (text: string) => unknown>> = {
  duration: parseDuration,
  timestamp: parseTimestamp,
  matches: text => {
    try {
      return compileRe2(text);
    } catch (error) {
      if (error instanceof RegexError) return undefined;
      throw error;
    }
  },
};

/** Constant durations, timestamps and patterns must be valid; upstream's text: `invalid matches argument`. */
export function validateLiterals(root: Expr): readonly CheckIssue[] {
  const issues: CheckIssue[] = [];
  const pending: Expr[] = [root];
  for (let expr = pending.pop(); expr !== undefined; expr = pending.pop()) {
    pending.push(...partsOf(expr));
    if (expr.kind !== 'call' || !Object.hasOwn(readers, expr.fn)) continue;
    const arg = expr.args.at(-1);
    if (arg?.kind !== 'literal' || typeof arg.value !== 'string') continue;
    if (!isValid(readers[expr.fn]!, arg.value)) issues.push({ pos: arg.pos, message: `invalid ${expr.fn} argument` });
  }
  return issues;
}

function isValid(read: (text: string) => unknown, text: string): boolean {
  try {
    return read(text) !== undefined;
  } catch (error) {
    if (error instanceof Fault) return false;
    throw error;
  }
}

function partsOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'select':
      return [expr.operand];
    case 'call':
      return expr.target === undefined ? expr.args : [expr.target, ...expr.args];
    case 'list':
      return expr.items;
    case 'map':
      return expr.entries.flatMap(({ key, value }) => [key, value]);
    case 'struct':
      return expr.entries.map(({ value }) => value);
    case 'comprehension':
      return [expr.range, expr.init, expr.step, expr.result];
    default:
      return [];
  }
}
