import type { Authenticator } from '../access.ts';
import { StatusError } from '../errors.ts';
import type { Stage } from '../exchange.ts';

/** Finds out who is asking; nobody gets past without a user. */
export function createAuthenticate(authenticate: Authenticator): Stage {
  return async (exchange, next) => {
    const user = await authenticate(exchange.request);
    if (!user) throw new StatusError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
    exchange.user = user;
    return next(exchange);
  };
}
