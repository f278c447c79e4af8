import { exportKeySet, type TokenKey } from './json-web-token.ts';

/** A document with its media type, as served. */
export interface OpenIdDocument {
  readonly contentType: string;
  readonly body: string;
}

/** The paths under which the documents stand (KEP-1393). */
export const openIdPaths = { configuration: '/.well-known/openid-configuration', keys: '/openid/v1/jwks' } as const;

/** /.well-known/openid-configuration: how others may check our service-account tokens. `keysUrl` is the public URL of /openid/v1/jwks. */
export function openIdConfiguration(options: {
  issuer: string;
  keysUrl: string;
  keys: readonly TokenKey[];
}): OpenIdDocument {
  const algorithms = [...new Set(options.keys.map(key => key.algorithm))].sort();
  const body = JSON.stringify({
    issuer: options.issuer,
    jwks_uri: options.keysUrl,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithms,
  });
  return { contentType: 'application/json', body };
}

/** /openid/v1/jwks. */
export async function openIdKeys(keys: readonly TokenKey[]): Promise<OpenIdDocument> {
  return { contentType: 'application/jwk-set+json', body: JSON.stringify(await exportKeySet(keys)) };
}
