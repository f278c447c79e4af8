import { type CompiledExpression, cel } from '#api';
import { outOfBudget } from '../conditions.ts';

/** A variable of a policy that others refer to as `variables.name`. */
export interface NamedExpression {
  readonly name: string;
  readonly compiled: CompiledExpression;
}

/** The cost that is left for some expressions together. */
export interface Budget {
  left: number;
}

export type Outcome = { readonly value: unknown; readonly problem?: undefined } | { readonly problem: string };

/** Nothing more can be evaluated: the budget is spent. */
export class OutOfBudget extends Error {
  override readonly name = 'OutOfBudget';
  constructor() {
    super(outOfBudget);
  }
}

/**
 * The values that a policy's expressions see, about one request and one parameter. Variables are evaluated when an expression first asks for them, and then kept.
 * Source: apiserver/pkg/admission/plugin/cel activation.go and composition.go.
 */
export class Activation {
  readonly values: Readonly<Record<string, unknown>>;
  /** What variables have cost since it was last looked at. */
  #spent = 0;

  constructor(values: Readonly<Record<string, unknown>>, variables: readonly NamedExpression[]) {
    const lazy = Object.fromEntries(variables.map(variable => [variable.name, this.#lazy(variable)]));
    this.values = { ...values, variables: lazy };
  }

  /** Throws OutOfBudget; all else that goes wrong is the problem of this expression. */
  evaluate(compiled: CompiledExpression, budget: Budget): Outcome {
    if (!compiled.program) return { problem: `compilation error: ${compiled.problem}` };
    let outcome: Outcome;
    let cost: number;
    try {
      const result = compiled.program.evaluate(this.values);
      outcome = { value: result.value };
      cost = result.cost;
    } catch (error) {
      if (!(error instanceof cel.CelError)) throw error;
      outcome = { problem: `expression '${compiled.expression}' resulted in error: ${error.message}` };
      cost = error.cost;
    }
    budget.left -= cost + this.#spent;
    this.#spent = 0;
    if (budget.left < 0) throw new OutOfBudget();
    return outcome;
  }

  #lazy({ name, compiled }: NamedExpression): unknown {
    let failure: cel.CelError | undefined;
    return cel.lazyValue(() => {
      if (failure) throw failure;
      const fail = (what: string) => {
        failure = new cel.CelError(`composited variable "${name}" fails to ${what}`, 'failed', 0);
        return failure;
      };
      if (!compiled.program) throw fail(`compile: ${compiled.problem}`);
      try {
        const { value, cost } = compiled.program.evaluate(this.values);
        this.#spent += cost;
        return value;
      } catch (error) {
        if (!(error instanceof cel.CelError)) throw error;
        this.#spent += error.cost;
        throw fail(`evaluate: ${error.message}`);
      }
    });
  }
}
