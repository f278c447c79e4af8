import { type CompiledExpression, compileExpression, conditionTypes, webhookConditionVariables } from '#api';
import { forbidden } from '../../access/refuse.ts';
import type { Authorizer } from '../../access.ts';
import type { AdmissionRequest } from '../../admission.ts';
import { createCelAuthorizer } from '../cel-authorizer.ts';
import { evaluateConditions, formatProblems } from '../conditions.ts';
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

export function createMatchConditions({ meters, authorize }: ConditionDeps): MatchConditions {
  // By the hook as it is stored: a changed configuration makes new ones, and the old ones go with it.
  const authorizerOf = createCelAuthorizer(authorize);
  const compiled = new WeakMap<Hook, readonly CompiledExpression[]>();
  return {
    match(hook, { request, versioned, call }) {
      const { matchConditions = [], failurePolicy } = hook.webhook;
      if (matchConditions.length === 0) return true;
      const programs =
        compiled.get(hook) ??
        matchConditions.map(({ expression }) =>
          compileExpression(expression, { variables: webhookConditionVariables, result: conditionTypes }),
        );
      compiled.set(hook, programs);
      const { object, oldObject, ...asked } = reviewRequest(request, versioned, '');
      delete asked['uid'];
      const variables = { request: asked, object, oldObject, ...authorizerOf(request) };
      const { isFalse, problems } = evaluateConditions(programs, variables);
      for (const _problem of problems) meters.conditionFailed(call);
      if (isFalse || (problems.length > 0 && failurePolicy === 'Ignore')) {
        meters.excluded(call);
        return false;
      }
      if (problems.length === 0) return true;
      throw forbidden(request.kind, nameOf(request), formatProblems(problems));
    },
  };
}
