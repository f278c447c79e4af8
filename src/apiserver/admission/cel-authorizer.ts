import { cel } from '#api';
import type { Attributes, Authorizer } from '../access.ts';
import type { AdmissionRequest } from '../admission.ts';
import type { User } from '../user.ts';

/** The variables `authorizer` and `authorizer.requestResource` of admission expressions, for one request. */
export type AuthorizerVariables = Readonly<Record<'authorizer' | 'authorizer.requestResource', unknown>>;

/**
 * Lets expressions ask whether the user of the request, or a service account, may do something. Expressions are evaluated at once: what an authorizer must be
 * waited for (a webhook) is an error of the check, which `errored()` tells.
 */
export function createCelAuthorizer(authorize: Authorizer): (request: AdmissionRequest) => AuthorizerVariables {
  return ({ user, kind, subresource, namespace = '', name }) => {
    const check: cel.AuthorizerCheck = asked => decide(authorize, attributesOf(user, asked));
    const { group, resource } = kind;
    return {
      authorizer: cel.authorizerValue(check),
      'authorizer.requestResource': cel.requestResourceValue(check, { group, resource, subresource, namespace, name }),
    };
  };
}

function attributesOf(user: User, asked: cel.AuthorizerAttributes): Attributes {
  const who = asked.serviceAccount ? accountOf(asked.serviceAccount) : user;
  if (asked.kind === 'path') return { user: who, verb: asked.verb, path: asked.path };
  const { verb, group, resource, subresource, namespace, name, fieldSelector } = asked;
  return {
    user: who,
    verb,
    group,
    version: '*',
    resource,
    subresource: subresource || undefined,
    namespace: namespace || undefined,
    name: name || undefined,
    fieldSelector: fieldSelector || undefined,
  };
}

function accountOf({ namespace, name }: cel.AuthorizerServiceAccount): User {
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
  return { name: `system:serviceaccount:${namespace}:${name}`, groups };
}

function decide(authorize: Authorizer, attributes: Attributes): cel.AuthorizerDecision {
  const decision = authorize(attributes);
  if (decision instanceof Promise) {
    // Nobody waits for it: a rejection must not end the process.
    decision.catch(() => undefined);
    return { allowed: false, error: 'the authorizer does not answer at once' };
  }
  return { allowed: decision.verdict === 'allow', reason: decision.reason };
}
