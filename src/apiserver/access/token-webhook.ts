import { createHash } from 'node:crypto';
import type { TokenReview } from '#api';
import type { Clock } from '#base';
import type { AskWebhook } from './ask-webhook.ts';
import { createExpiringMap } from './expiring-map.ts';
import type { TokenAuthenticator, TokenIdentity } from './service-account-token.ts';

/** Tokens whose review is remembered. */
const rememberedTokens = 4096;
const timeoutMs = 10_000;

type Outcome = { identity: TokenIdentity | undefined; error?: string | undefined };

/**
 * Has another server say whose a token is (TokenReview v1). Undefined: it does not know it; rejects with its reason, or when it cannot be asked. Answers are kept
 * for `cacheMs`, also those that say no; tokens are kept as hashes.
 */
export function createTokenWebhook(options: {
  ask: AskWebhook;
  /** Audiences of this server, asked for when nobody asks for others. */
  audiences: readonly string[];
  cacheMs: number;
  clock: Clock;
}): TokenAuthenticator {
  const known = createExpiringMap<Outcome>(rememberedTokens, options.clock);
  const underWay = new Map<string, Promise<Outcome>>();
  return async (token, wanted) => {
    const audiences = wanted ?? options.audiences;
    const key = createHash('sha256')
      .update(JSON.stringify([token, audiences]))
      .digest('base64');
    let outcome = known.get(key);
    if (!outcome) {
      let asking = underWay.get(key);
      if (!asking) {
        asking = review(options.ask, token, audiences).finally(() => underWay.delete(key));
        underWay.set(key, asking);
      }
      outcome = await asking;
      known.set(key, outcome, options.cacheMs);
    }
    if (outcome.error) throw new Error(outcome.error);
    return outcome.identity;
  };
}

async function review(ask: AskWebhook, token: string, audiences: readonly string[]): Promise<Outcome> {
  const body = {
    kind: 'TokenReview',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { creationTimestamp: null },
    spec: { token, audiences },
    status: { user: {} },
  };
  const status = (await ask(body, timeoutMs))['status'] as TokenReview['status'];
  if (status?.error) return { identity: undefined, error: status.error };
  if (!status?.authenticated) return { identity: undefined };
  // One that says nothing of audiences means this server.
  const stated = status.audiences?.length ? status.audiences : audiences;
  const matching = audiences.filter(audience => stated.includes(audience));
  if (matching.length === 0) return { identity: undefined };
  const { username = '', uid, groups = [], extra } = status.user ?? {};
  return { identity: { user: { name: username, uid, groups, extra }, audiences: matching } };
}
