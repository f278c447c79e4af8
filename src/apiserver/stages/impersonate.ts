import type { Attributes, Authorizer } from '../access.ts';
import type { Stage } from '../exchange.ts';
import type { User } from '../user.ts';
import { attributesOf } from './authorize.ts';

/** Turns the user into the one that the Impersonate-* headers name, when that is allowed; throws 403 otherwise. */
export type Impersonator = (
  user: User,
  headers: Readonly<Record<string, string | undefined>>,
  authorize: Authorizer,
  /** What the request asks, as the user who sends it. */
  asked?: Attributes,
) => Promise<User>;

export function createImpersonate(impersonate: Impersonator, authorize: Authorizer): Stage {
  return (exchange, next) => {
    const { headers } = exchange.request;
    if (!asksToImpersonate(headers)) return next(exchange);
    return impersonate(exchange.user, headers, authorize, attributesOf(exchange)).then(user => {
      exchange.user = user;
      return next(exchange);
    });
  };
}

function asksToImpersonate(headers: Readonly<Record<string, string | undefined>>): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true;
  return false;
}
