import { cel, type MatchCondition, webhookConditionVariables } from '#api';
import { forbidden } from '../../access/refuse.ts';
import type { Authorizer } from '../../access.ts';
import type { AdmissionRequest } from '../../admission.ts';
import { createCelAuthorizer } from '../cel-authorizer.ts';
import { nameOf } from './about.ts';
import type { Hook } from './configurations.ts';
import type { HookMeters, MeteredCall } from './meters.ts';
import { reviewRequest, type Versioned } from './review.ts';

/** Decides about match conditions; expressions are compiled once for each hook as it is stored. */
export interface MatchConditions {
  /**
   * True: the webhook is to be called. One condition that is false is enough for no, whatever becomes of the others; else one that cannot be evaluated
   * fails the request (Status 403), or with failurePolicy Ignore leaves the webhook out.
   */
  match(hook: Hook, about: { request: AdmissionRequest; versioned: Versioned; call: MeteredCall }): boolean;
}

export interface ConditionDeps {
  readonly meters: HookMeters;
  /** For `authorizer` in expressions. */
  readonly authorize: Authorizer;
}

/** A compiled expression, or why it is none. */
type Compiled = { readonly expression: string; readonly program?: cel.CelProgram; readonly problem?: string };

export function createMatchConditions({ meters, authorize }: ConditionDeps): MatchConditions {
  // By the hook as it is stored: a changed configuration makes new ones, and the old ones go with it.
  const authorizerOf = createCelAuthorizer(authorize);
  const compiled = new WeakMap<Hook, readonly Compiled[]>();
  return {
    match(hook, { request, versioned, call }) {
      const { matchConditions = [], failurePolicy } = hook.webhook;
      if (matchConditions.length === 0) return true;
      const programs = compiled.get(hook) ?? matchConditions.map(compile);
      compiled.set(hook, programs);
      const { object, oldObject, ...asked } = reviewRequest(request, versioned, '');
      delete asked['uid'];
      const variables = { request: asked, object, oldObject, ...authorizerOf(request) };
      const { isFalse, problems } = evaluateAll(programs, variables);
      for (const _problem of problems) meters.conditionFailed(call);
      if (isFalse || (problems.length > 0 && failurePolicy === 'Ignore')) {
        meters.excluded(call);
        return false;
      }
      if (problems.length === 0) return true;
      const why = problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`;
      throw forbidden(request.kind, nameOf(request), why);
    },
  };
}

function compile({ expression }: MatchCondition): Compiled {
  try {
    return {
      expression,
      program: cel.compileCel(expression, { variables: webhookConditionVariables, result: cel.boolType }),
    };
  } catch (error) {
    return { expression, problem: `compilation error: ${(error as Error).message}` };
  }
}

function evaluateAll(
  programs: readonly Compiled[],
  variables: Readonly<Record<string, unknown>>,
): { isFalse: boolean; problems: string[] } {
  const problems: string[] = [];
  let budget = cel.matchConditionsCostBudget;
  for (const { expression, program, problem } of programs) {
    if (!program) {
      problems.push(problem ?? '');
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
      problems.push('validation failed due to running out of cost budget, no further validation rules will be run');
      break;
    }
  }
  return { isFalse: false, problems };
}
