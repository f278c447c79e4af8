import { type CompiledExpression, cel } from '#api';
import type { Turn } from '#base';
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

/** A variable that has been evaluated. */
interface Known {
  readonly value?: unknown;
  readonly failure?: cel.CelError;
  /** Charged to the expression that asks first. */
  cost: number;
}

/**
 * The values that a policy's expressions see, about one request and one parameter. Variables are evaluated when an expression first asks for them, and then kept;
 * those that it mentions are evaluated before it, each in a turn of the event loop of its own if they take long, and cost nothing unless it asks.
 * Source: apiserver/pkg/admission/plugin/cel activation.go and composition.go.
 */
export class Activation {
  readonly values: Readonly<Record<string, unknown>>;
  readonly #variables: ReadonlyMap<string, CompiledExpression>;
  readonly #known = new Map<string, Known>();
  readonly #turn: Turn;
  /** What variables have cost since it was last looked at. */
  #spent = 0;

  constructor(
    values: Readonly<Record<string, unknown>>,
    { variables, turn }: { variables: readonly NamedExpression[]; turn: Turn },
  ) {
    this.#turn = turn;
    this.#variables = new Map(variables.map(({ name, compiled }) => [name, compiled]));
    const lazy = variables.map(({ name }) => [name, cel.lazyValue(() => this.#ask(name))]);
    this.values = { ...values, variables: Object.fromEntries(lazy) };
  }

  /** Rejects with OutOfBudget; all else that goes wrong is the problem of this expression. */
  async evaluate(compiled: CompiledExpression, budget: Budget): Promise<Outcome> {
    if (!compiled.program) return { problem: `compilation error: ${compiled.problem}` };
    await this.#prepare(compiled.expression);
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

  /** Evaluates what an expression may ask for. Variables only mention those before them. */
  async #prepare(expression: string): Promise<void> {
    if (this.#turn.isOver()) await this.#turn.next();
    for (const [, name = ''] of expression.matchAll(mention)) {
      const compiled = this.#variables.get(name);
      if (!compiled || this.#known.has(name)) continue;
      await this.#prepare(compiled.expression);
      this.#known.set(name, this.#compute(name, compiled));
      if (this.#turn.isOver()) await this.#turn.next();
    }
  }

  #ask(name: string): unknown {
    let known = this.#known.get(name);
    if (!known) {
      known = this.#compute(name, this.#variables.get(name)!);
      this.#known.set(name, known);
    }
    this.#spent += known.cost;
    known.cost = 0;
    if (known.failure) throw known.failure;
    return known.value;
  }

  #compute(name: string, { program, problem }: CompiledExpression): Known {
    const fail = (what: string, cost: number): Known => {
      return { failure: new cel.CelError(`composited variable "${name}" fails to ${what}`, 'failed', 0), cost };
    };
    if (!program) return fail(`compile: ${problem}`, 0);
    try {
      return program.evaluate(this.values);
    } catch (error) {
      if (!(error instanceof cel.CelError)) throw error;
      return fail(`evaluate: ${error.message}`, error.cost);
    }
  }
}

/** A variable as expressions name it. */
const mention = /\bvariables\s*\.\s*\??([A-Za-z_]\w*)/g;
