import { checkExpr } from './checker.ts';
import { CelCompileError, CelError } from './errors.ts';
import { estimateCost } from './estimate.ts';
import type { Frame } from './frame.ts';
import { authorizerValue } from './library-authorizer.ts';
import { parseCel } from './parser.ts';
import { planExpr } from './plan.ts';
import { compileCel } from './program.ts';
import { toJson } from './to-json.ts';
import { typeRegistry } from './type-registry.ts';
import { authorizerType, type CelType } from './types.ts';

/** For tests: the JSON an expression yields, or the first line of what is wrong with it. */
export function run(
  expression: string,
  types: Readonly<Record<string, CelType>> = {},
  values: Readonly<Record<string, unknown>> = {},
): unknown {
  try {
    return toJson(compileCel(expression, { variables: types }).evaluate(values).value);
  } catch (error) {
    if (!(error instanceof CelError) && !(error instanceof CelCompileError)) throw error;
    return `! ${error.message.split('\n')[0]!.replace('ERROR: <input>:', '')}`;
  }
}

export interface Costs {
  readonly min: number;
  readonly max: number;
  readonly actual: number;
}

/**
 * For tests: costs as upstream's tables have them, that is of a plan without folded constants, texts and bytes of unknown origin being up to
 * 12 long.
 */
export function upstreamCosts(expression: string): Costs {
  const variables = new Map([['authorizer', authorizerType]]);
  const typeNamed = typeRegistry([]);
  const expr = parseCel(expression);
  const { issues } = checkExpr(expr, { variables, typeNamed });
  if (issues.length > 0) throw new Error(`${expression}: ${issues[0]!.message}`);
  const isText = (type: CelType): boolean => type.kind === 'string' || type.kind === 'bytes';
  const estimate = estimateCost(expr, (_path, type) => (isText(type) ? { min: 0, max: 12 } : undefined));
  const calls = { memo: <T>(_key: string, make: () => T): T => make(), work: () => {}, foresee: () => {} };
  const planned = planExpr(expr, { variable: () => 0, typeNamed, foldConstants: false, calls });
  const frame: Frame = {
    cost: 0,
    limit: Number.POSITIVE_INFINITY,
    costLimit: Number.POSITIVE_INFINITY,
    pace: undefined,
    slots: [],
    variable: () => authorizerValue(() => ({ allowed: true })),
  };
  planned.run(frame);
  return { ...estimate, actual: frame.cost };
}
