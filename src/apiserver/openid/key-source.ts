import type { JSONWebKeySet } from 'jose';
import type { Clock } from '#base';
import { fetchJson } from './fetch-json.ts';

/** The keys of one issuer. */
export interface KeySource {
  /** The keys known now; fetched when there are none, or when `unknownKey` says that one is missing and the last fetch is some time ago. Rejects when the issuer cannot be reached. */
  keys(unknownKey?: boolean): Promise<JSONWebKeySet>;
}

/** A token with a key that does not exist must not make us fetch: not more often than this. */
const refetchMs = 10_000;

/** Follows an issuer's discovery document to its keys (OpenID Connect Discovery 1.0). Nothing is fetched before the first token. */
export function createKeySource(
  issuer: { readonly url: string; readonly discoveryUrl: string; readonly authority: string | undefined },
  clock: Clock,
): KeySource {
  let known: { keys: JSONWebKeySet; atMs: number } | undefined;
  let fetching: Promise<JSONWebKeySet> | undefined;
  let failedAtMs: number | undefined;
  const fetchKeys = async () => {
    try {
      const keys = await fetchAll(issuer, clock);
      known = { keys, atMs: clock.monotonicMs() };
      return keys;
    } catch (error) {
      failedAtMs = clock.monotonicMs();
      throw error;
    } finally {
      fetching = undefined;
    }
  };
  return {
    async keys(unknownKey = false) {
      const isRecent = (atMs: number | undefined) => atMs !== undefined && clock.monotonicMs() - atMs < refetchMs;
      if (known && (!unknownKey || isRecent(known.atMs) || isRecent(failedAtMs))) return known.keys;
      if (!known && isRecent(failedAtMs)) throw new Error('oidc: authenticator not initialized');
      fetching ??= fetchKeys();
      return fetching;
    },
  };
}

async function fetchAll(
  issuer: { readonly url: string; readonly discoveryUrl: string; readonly authority: string | undefined },
  clock: Clock,
): Promise<JSONWebKeySet> {
  const { authority: ca } = issuer;
  const found = await fetchJson(issuer.discoveryUrl, { ca, clock });
  if (found['issuer'] !== issuer.url)
    throw new Error(
      `oidc: issuer did not match the issuer returned by provider, expected "${issuer.url}" got "${found['issuer']}"`,
    );
  const { jwks_uri: keysUrl } = found;
  if (typeof keysUrl !== 'string' || !keysUrl.startsWith('https://'))
    throw new Error('oidc: the provider names no keys over https');
  const set = await fetchJson(keysUrl, { ca, clock });
  if (!Array.isArray(set['keys'])) throw new Error('oidc: the provider has no list of keys');
  return set as unknown as JSONWebKeySet;
}
