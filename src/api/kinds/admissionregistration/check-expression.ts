import type { FieldError } from '../../kind.ts';
import { invalid } from '../field-error.ts';
import type { CompiledExpression } from './policy-expressions.ts';

/** Reports an expression that does not compile, in upstream's words. `value` is what the user wrote, when that is not the expression as it was compiled. */
export function reportExpression(
  errors: FieldError[],
  path: string,
  compiled: CompiledExpression,
  value: string = compiled.expression,
): void {
  const { problem } = compiled;
  if (problem === undefined) return;
  if (compiled.isInternal) errors.push({ reason: 'InternalError', field: path, message: `Internal error: ${problem}` });
  else errors.push(invalid(path, value, problem));
}
