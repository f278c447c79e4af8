import type { CelType } from './types.ts';

/** A range of cost or size; `max` is Infinity where nothing bounds it. */
export interface CelEstimate {
  readonly min: number;
  readonly max: number;
}

export interface CompileOptions {
  /** The names an expression may use. A name may have dots (`request.auth`). */
  readonly variables: Readonly<Record<string, CelType>>;
  /** Type, or types, that the expression must yield; none: any. */
  readonly result?: CelType | readonly CelType[];
  /** Object types that can be constructed by name (`Object`, `Object.spec`, `JSONPatch`), beside those of the variables. */
  readonly types?: readonly CelType[];
}

export interface EvaluateOptions {
  /** Cost at which evaluation stops. Default: `perCallLimit`. */
  readonly costLimit?: number;
}

export interface EvaluateResult {
  /** A CEL value: see `toJson` for plain JSON. bool, string and null are themselves. */
  readonly value: unknown;
  readonly cost: number;
}

/** A compiled expression: immutable, can be evaluated any number of times. */
export interface CelProgram {
  readonly expression: string;
  readonly resultType: CelType;
  /** Names of the variables that the expression mentions (`oldSelf` makes a transition rule). */
  readonly references: ReadonlySet<string>;
  /**
   * Runs it. Variables are plain JSON, read by their declared types and never copied, CEL values from another evaluation, or `lazy` values,
   * which are asked for at their first use. Throws `CelError`.
   */
  evaluate(variables: Readonly<Record<string, unknown>>, options?: EvaluateOptions): EvaluateResult;
  /** The cost before running it: sizes come from the declared types' bounds. */
  estimateCost(): CelEstimate;
}

/** Compiles an expression or throws `CelCompileError`. */
export function compileCel(_expression: string, _options: CompileOptions): CelProgram {
  throw new Error('compileCel is not built yet');
}
