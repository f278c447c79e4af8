import { forbiddenStatus } from '../access/refuse.ts';
import type { Attributes, Authorizer, Decision } from '../access.ts';
import type { Exchange, Stage } from '../exchange.ts';

/** Lets through what an authorizer allows; 403 for the rest. */
export function createAuthorize(authorize: Authorizer): Stage {
  return (exchange, next) => {
    const attributes = attributesOf(exchange);
    const go = (decision: Decision) => {
      if (exchange.annotate) {
        exchange.annotate('authorization.k8s.io/decision', decision.verdict === 'allow' ? 'allow' : 'forbid');
        exchange.annotate('authorization.k8s.io/reason', decision.reason);
      }
      if (decision.verdict !== 'allow') throw forbiddenStatus(attributes, decision.reason);
      return next(exchange);
    };
    const asked = authorize(attributes);
    return asked instanceof Promise ? asked.then(go) : go(asked);
  };
}

/** What a request asks to be allowed. */
export function attributesOf({ info, user }: Exchange): Attributes {
  if (!info.isResource) return { user, verb: info.verb, path: info.path };
  const isSelecting = info.verb === 'list' || info.verb === 'watch' || info.verb === 'deletecollection';
  const [fieldSelector, labelSelector] = isSelecting
    ? [info.query.get('fieldSelector'), info.query.get('labelSelector')]
    : [null, null];
  return {
    user,
    verb: info.verb,
    group: info.group,
    version: info.version,
    resource: info.resource,
    subresource: info.subresource,
    namespace: info.namespace ?? '',
    name: info.name,
    ...(fieldSelector ? { fieldSelector } : {}),
    ...(labelSelector ? { labelSelector } : {}),
  };
}
