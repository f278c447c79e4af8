import { type CompiledExpression, cel } from '#api';

/** What upstream says when an expression would cost more than is left. */
export const outOfBudget =
  'validation failed due to running out of cost budget, no further validation rules will be run';

/**
 * Evaluates match conditions, which share one budget. One that is false decides, whatever became of those before it; else `problems` says which could not be
 * evaluated. Source: apiserver/pkg/admission/plugin/webhook/matchconditions.
 */
export function evaluateConditions(
  conditions: readonly CompiledExpression[],
  variables: Readonly<Record<string, unknown>>,
): { isFalse: boolean; problems: string[] } {
  const problems: string[] = [];
  let budget = cel.matchConditionsCostBudget;
  for (const { expression, program, problem } of conditions) {
    if (!program) {
      problems.push(`compilation error: ${problem}`);
      continue;
    }
    try {
      const { value, cost } = program.evaluate(variables, { costLimit: Math.min(budget, cel.perCallLimit) });
      budget -= cost;
      if (value === false) return { isFalse: true, problems };
    } catch (error) {
      if (!(error instanceof cel.CelError)) throw error;
      budget -= error.cost;
      problems.push(`expression '${expression}' resulted in error: ${error.message}`);
    }
    if (budget <= 0) {
      problems.push(outOfBudget);
      break;
    }
  }
  return { isFalse: false, problems };
}

/** As Go prints several errors in one. */
export function formatProblems(problems: readonly string[]): string {
  return problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`;
}
