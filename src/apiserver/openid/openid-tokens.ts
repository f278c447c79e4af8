import type { JSONWebKeySet, JWTPayload } from 'jose';
import type { Clock } from '#base';
import { peekClaims } from '../access/json-web-token.ts';
import type { TokenAuthenticator } from '../access/service-account-token.ts';
import type { Issuer } from './authentication-config.ts';
import { createKeySource, type KeySource } from './key-source.ts';
import { userOfClaims } from './user-of-claims.ts';

/** What go-oidc takes; never `none`, never a shared secret. */
const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'EdDSA'];

/** Tokens of OpenID providers. A token of an issuer that is not named here is somebody else's; `audiences` are those of this server. */
export function createOpenIdTokens(options: {
  issuers: readonly Issuer[];
  audiences: readonly string[];
  clock: Clock;
}): TokenAuthenticator {
  const { clock } = options;
  const byUrl = new Map(
    options.issuers.map(issuer => [issuer.url, { issuer, keySource: createKeySource(issuer, clock) }]),
  );
  return async (token, wanted) => {
    const found = byUrl.get(String(peekClaims(token)?.iss));
    if (!found) return undefined;
    const { issuer, keySource } = found;
    const claims = await verify(token, keySource, { issuer, nowMs: clock.now() });
    // The token is for this server if its own audience is one of the issuer's; the audiences of other tokens do not matter then (as upstream).
    return { user: userOfClaims(issuer, claims), audiences: wanted ?? options.audiences };
  };
}

async function verify(
  token: string,
  source: KeySource,
  { issuer, nowMs }: { issuer: Issuer; nowMs: number },
): Promise<JWTPayload> {
  const { createLocalJWKSet, errors, jwtVerify } = await import('jose');
  const check = async (keys: JSONWebKeySet) => {
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
      algorithms,
      issuer: issuer.url,
      audience: [...issuer.audiences],
      requiredClaims: ['exp'],
      currentDate: new Date(nowMs),
    });
    return payload;
  };
  const known = await source.keys();
  try {
    return await check(known);
  } catch (error) {
    const isUnknown =
      error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed;
    if (!isUnknown) throw error;
    const fresh = await source.keys(true);
    if (fresh === known) throw error;
    return check(fresh);
  }
}
