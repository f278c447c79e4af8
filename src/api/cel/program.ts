import type { Pace } from '../pace.ts';
import type { Expr } from './ast.ts';
import { checkExpr, type Declarations } from './checker.ts';
import { CelCompileError, CelError, type CelIssue, Fault, formatIssues } from './errors.ts';
import { declaredSizes, estimateCost } from './estimate.ts';
import { costExceeded, type Frame, firstLimit } from './frame.ts';
import { fromJson } from './json-values.ts';
import { perCallLimit, workLimitHere } from './limits.ts';
import { locate, parseCel, SyntaxProblem } from './parser.ts';
import { planExpr } from './plan.ts';
import type { CallContext } from './signature.ts';
import { typeRegistry } from './type-registry.ts';
import { boolType, type CelType, formatCelType, isSameType } from './types.ts';
import { validateLiterals } from './validators.ts';

/** A range of cost or size; `max` is Infinity where nothing bounds it. */
export interface CelEstimate {
  readonly min: number;
  readonly max: number;
}

export interface CompileOptions {
  /** The names an expression may use. A name may have dots (`authorizer.requestResource`). */
  readonly variables: Readonly<Record<string, CelType>>;
  /** Type, or types, that the expression must yield; none: any. */
  readonly result?: CelType | readonly CelType[];
  /**
   * Object types that can be constructed by name, beside those of the variables. One without `fields` is open: it and all names below it
   * (`Object`, `Object.spec`) take any field.
   */
  readonly types?: readonly CelType[];
}

export interface EvaluateOptions {
  /** Cost at which evaluation stops. Default: `perCallLimit`. */
  readonly costLimit?: number;
  /** Hidden work at which it stops, too. Default: what takes well below a turn of the event loop; more only where others need not wait. */
  readonly workLimit?: number;
  /** Asked now and then; what it throws is passed on. */
  readonly pace?: Pace | undefined;
}

export interface EvaluateResult {
  /** A CEL value: bool, string and null are themselves, int is a bigint; `toJson` makes plain JSON of any. */
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
   * Runs it. Variables are plain JSON, read by their declared types and never copied, CEL values of another evaluation, or `lazyValue`s,
   * which are asked for at their first use. Of an optional type, undefined is `optional.none()`. Throws `CelError`.
   */
  evaluate(variables: Readonly<Record<string, unknown>>, options?: EvaluateOptions): EvaluateResult;
  /** The cost before running it: sizes come from the declared types' bounds. Infinity stands for cel-go's largest number. */
  estimateCost(): CelEstimate;
}

/** Compiles an expression or throws `CelCompileError`. */
export function compileCel(expression: string, options: CompileOptions): CelProgram {
  const variables = new Map(Object.entries(options.variables));
  const typeNamed = typeRegistry([...variables.values(), ...(options.types ?? [])]);
  const expr = parse(expression);
  const checked = check(expr, expression, { variables, typeNamed });
  requireResult(checked.type, options.result);
  const names = [...checked.references];
  const run = plan({ expr, names, variables, typeNamed });
  return {
    expression,
    resultType: checked.type,
    references: checked.references,
    evaluate: (values, options = {}) => run(values, options),
    estimateCost: () => estimateCost(expr, declaredSizes(variables)),
  };
}

function parse(expression: string): Expr {
  try {
    return parseCel(expression);
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    throw compileError(expression, [locate(expression, error.pos, error.message)]);
  }
}

function compileError(expression: string, issues: readonly CelIssue[]): CelCompileError {
  return new CelCompileError(formatIssues(expression, issues), 'compile', issues);
}

function check(
  expr: Expr,
  source: string,
  declarations: Declarations,
): { type: CelType; references: ReadonlySet<string> } {
  const checked = checkExpr(expr, declarations);
  const found = checked.issues.length > 0 ? checked.issues : validateLiterals(expr);
  if (found.length === 0) return checked;
  throw compileError(
    source,
    found.map(({ pos, message }) => locate(source, pos, message)),
  );
}

function requireResult(type: CelType, wanted: CompileOptions['result']): void {
  if (wanted === undefined) return;
  const types = Array.isArray(wanted) ? (wanted as readonly CelType[]) : [wanted as CelType];
  if (types.some(one => isSameType(one, type) || one.kind === 'dyn')) return;
  const names = types.map(formatCelType);
  const text =
    isSameType(types[0]!, boolType) && names.length === 1
      ? 'must evaluate to bool'
      : `must evaluate to ${names.join(' or ')}`;
  throw new CelCompileError(text, 'result');
}

interface PlanInput {
  expr: Expr;
  names: readonly string[];
  variables: ReadonlyMap<string, CelType>;
  typeNamed: Declarations['typeNamed'];
}

type Runner = (values: Readonly<Record<string, unknown>>, options: EvaluateOptions) => EvaluateResult;

const unset = Symbol('unset');

function plan({ expr, names, variables, typeNamed }: PlanInput): Runner {
  const calls = createCallContext();
  const indexes = new Map(names.map((name, index) => [name, index]));
  const types = names.map(name => variables.get(name)!);
  const planned = planOrFail(expr, { variable: name => indexes.get(name)!, calls, typeNamed });
  return (values, { costLimit = perCallLimit, workLimit = workLimitHere, pace }) => {
    calls.reset(workLimit, pace);
    const read: unknown[] = new Array(names.length).fill(unset);
    const frame: Frame = {
      cost: 0,
      limit: firstLimit(costLimit, pace),
      costLimit,
      pace,
      slots: new Array(planned.slots).fill(undefined),
      variable: index => {
        if (read[index] === unset) read[index] = readVariable(names[index]!, values, types[index]!);
        return read[index];
      },
    };
    try {
      return { value: planned.run(frame), cost: frame.cost };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      throw new CelError(error.message, error.final ? 'costExceeded' : 'failed', frame.cost);
    }
  };
}

function planOrFail(...args: Parameters<typeof planExpr>): ReturnType<typeof planExpr> {
  try {
    return planExpr(...args);
  } catch (error) {
    if (error instanceof Fault) throw new CelCompileError(error.message, 'program');
    throw error;
  }
}

function readVariable(name: string, values: Readonly<Record<string, unknown>>, type: CelType): unknown {
  const raw = values[name];
  const optional = type.name === 'optional_type';
  if (raw === undefined && !optional) throw new Fault(`no such attribute(s): ${name}`);
  return fromJson(raw, type);
}

/** After so much of it the pace is asked: some tenths of a millisecond. */
const checkedWork = 10_000;
/** Patterns and zones that are kept for a program. */
const maxMemos = 64;

function createCallContext(): CallContext & { reset(workLimit: number, pace: Pace | undefined): void } {
  const memos = new Map<string, unknown>();
  let left = workLimitHere;
  let pace: Pace | undefined;
  let next = 0;
  const lookCloser = () => {
    if (left < 0) throw new Fault(costExceeded, true);
    pace?.check();
    next = pace ? Math.max(0, left - checkedWork) : 0;
  };
  return {
    reset: (workLimit, own) => {
      left = workLimit;
      pace = own;
      next = pace ? left - checkedWork : 0;
    },
    foresee: worstMs => pace?.check(worstMs),
    memo: <T>(key: string, make: () => T): T => {
      if (memos.has(key)) return memos.get(key) as T;
      const made = make();
      if (memos.size >= maxMemos) memos.clear();
      memos.set(key, made);
      return made;
    },
    work: units => {
      left -= units;
      if (left < next) lookCloser();
    },
  };
}
