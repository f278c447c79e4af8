import type { Expr } from './ast.ts';
import type { CelType } from './types.ts';
export function estimateCost(_expr: Expr, _variables: ReadonlyMap<string, CelType>): { min: number; max: number } {
  throw new Error('estimates are not built yet');
}
