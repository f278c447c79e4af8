import type { Authenticator } from '../access.ts';
import { StatusError } from '../errors.ts';
import type { Stage } from '../exchange.ts';

/** Finds out who is asking; nobody gets past without a user. */
export function createAuthenticate(authenticate: Authenticator): Stage {
  return async (exchange, next) => {
    const asked = authenticate(exchange.request);
    const user = asked instanceof Promise ? await asked : asked;
    if (!user) throw new StatusError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
    exchange.user = user;
    return await next(exchange);
  };
}
