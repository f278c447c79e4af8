import { cel } from '#api';
import type { Turn } from '#base';
import type { ConditionedCall, ConditionMeters } from '../condition-meters.ts';
import { evaluateConditions, formatProblems } from '../conditions.ts';
import { Activation, type Budget, OutOfBudget } from './activation.ts';
import type { CompiledPolicy, CompiledValidatingPolicy, CompiledValidation } from './compile.ts';

/** What became of one validation, or of all of them together when they could not be evaluated. */
export interface Decision {
  readonly isDenied: boolean;
  /** Why; for one that is not denied, what the failure policy ignored. */
  readonly message: string;
  /** It could not be evaluated. */
  readonly isProblem: boolean;
  /** Of a refusal. */
  readonly reason: string | undefined;
  readonly seconds: number;
}

/** A value for the audit event, or why there is none. */
export type Annotation =
  | { readonly key: string; readonly value: string; readonly problem?: undefined }
  | { readonly key: string; readonly problem: string };

export interface Judgement {
  readonly decisions: readonly Decision[];
  readonly annotations: readonly Annotation[];
}

export interface JudgeInput {
  readonly values: Readonly<Record<string, unknown>>;
  readonly failurePolicy: string | undefined;
  readonly call: ConditionedCall;
  readonly meters: ConditionMeters;
  readonly turn: Turn;
  /** Monotonic. */
  nowMs(): number;
}

const nothing: Judgement = { decisions: [], annotations: [] };

/** Evaluates a policy about one request and one parameter. Source: apiserver/pkg/admission/plugin/policy/validating validator.go. */
export async function judge(policy: CompiledValidatingPolicy, input: JudgeInput): Promise<Judgement> {
  const isIgnored = input.failurePolicy === 'Ignore';
  const failed = (message: string): Judgement => ({ decisions: [problem(message, isIgnored)], annotations: [] });
  const activation = new Activation(input.values, { variables: policy.variables, turn: input.turn });
  const conditions = meetsConditions(policy, activation, input);
  if (conditions.problem !== undefined) return failed(conditions.problem);
  if (!conditions.isMet) return nothing;
  try {
    const budget = { left: cel.runtimeCostBudget };
    const decisions: Decision[] = [];
    for (const validation of policy.validations) {
      decisions.push(await decide(validation, { activation, budget, input }));
    }
    // Annotations have a budget of their own.
    const annotations = await annotate(policy, activation, { left: cel.runtimeCostBudget });
    return { decisions, annotations: isIgnored ? annotations.filter(one => one.problem === undefined) : annotations };
  } catch (error) {
    if (error instanceof OutOfBudget) return failed(error.message);
    throw error;
  }
}

/** Whether the policy is for the request. With failurePolicy Ignore one whose conditions cannot be evaluated is not. */
export function meetsConditions(
  { conditions }: CompiledPolicy,
  activation: Activation,
  { failurePolicy, call, meters }: Pick<JudgeInput, 'failurePolicy' | 'call' | 'meters'>,
): { readonly isMet: boolean; readonly problem?: string } {
  if (conditions.length === 0) return { isMet: true };
  const { isFalse, problems } = evaluateConditions(conditions, activation.values);
  for (const _problem of problems) meters.conditionFailed(call);
  if (isFalse || (problems.length > 0 && failurePolicy === 'Ignore')) {
    meters.excluded(call);
    return { isMet: false };
  }
  return problems.length === 0 ? { isMet: true } : { isMet: false, problem: formatProblems(problems) };
}

function problem(message: string, isIgnored: boolean, seconds = 0): Decision {
  return { isDenied: !isIgnored, message, isProblem: true, reason: undefined, seconds };
}

interface DecideInput {
  readonly activation: Activation;
  readonly budget: Budget;
  readonly input: JudgeInput;
}

async function decide(compiled: CompiledValidation, { activation, budget, input }: DecideInput): Promise<Decision> {
  const startMs = input.nowMs();
  const outcome = await activation.evaluate(compiled.compiled, budget);
  const seconds = (input.nowMs() - startMs) / 1000;
  const isIgnored = input.failurePolicy === 'Ignore';
  if (outcome.problem !== undefined) return problem(outcome.problem, isIgnored, seconds);
  if (outcome.value === true) return { isDenied: false, message: '', isProblem: false, reason: undefined, seconds };
  try {
    const message = await messageOf(compiled, activation, budget);
    const reason = compiled.validation.reason ?? 'Invalid';
    return { isDenied: true, message, isProblem: false, reason, seconds };
  } catch (error) {
    if (!(error instanceof OutOfBudget)) throw error;
    return problem(`failed messageExpression: ${error.message}`, isIgnored, seconds);
  }
}

/** The message that an expression makes, if it is one line of decent length; else the one that is written down; else the expression. */
async function messageOf(
  { validation, message }: CompiledValidation,
  activation: Activation,
  budget: Budget,
): Promise<string> {
  const outcome = message && (await activation.evaluate(message, budget));
  if (outcome && outcome.problem === undefined && typeof outcome.value === 'string') {
    const text = outcome.value.trim();
    const isFit = Buffer.byteLength(text) <= cel.maxMessageExpressionBytes && !text.includes('\n');
    if (text && isFit) return text;
  }
  return validation.message?.trim() || `failed expression: ${validation.expression.trim()}`;
}

/** Null, and text with nothing in it, is no annotation. */
async function annotate(
  policy: CompiledValidatingPolicy,
  activation: Activation,
  budget: Budget,
): Promise<Annotation[]> {
  const annotations: Annotation[] = [];
  for (const { key, compiled } of policy.annotations) {
    const outcome = await activation.evaluate(compiled, budget);
    if (outcome.problem !== undefined) {
      annotations.push({ key, problem: outcome.problem });
      continue;
    }
    const value = typeof outcome.value === 'string' ? outcome.value.trim() : '';
    if (value) annotations.push({ key, value });
  }
  return annotations;
}
