import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { JSONWebKeySet, JWTPayload } from 'jose';

/** A key that signs or checks tokens. `id` is the token header's `kid`. */
export interface TokenKey {
  readonly id: string;
  readonly algorithm: 'RS256' | 'ES256' | 'ES384' | 'ES512';
  readonly publicKey: KeyObject;
  /** Absent for keys that only check (rotated out). */
  readonly privateKey?: KeyObject | undefined;
}

/** Clocks may differ by this much (upstream's default leeway). */
const leewaySeconds = 60;
const curveAlgorithms: Readonly<Record<string, TokenKey['algorithm']>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

/** Reads a private key (to sign) or a public key (only to check) from PEM. Throws for keys that are neither RSA nor a NIST curve. */
export function readTokenKey(pem: string): TokenKey {
  const privateKey = pem.includes('PRIVATE KEY') ? createPrivateKey(pem) : undefined;
  const publicKey = createPublicKey(privateKey ? pem : pem);
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const id = createHash('sha256').update(der).digest('base64url');
  return { id, algorithm: algorithmOf(publicKey), publicKey, privateKey };
}

function algorithmOf(key: KeyObject): TokenKey['algorithm'] {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  const algorithm = curveAlgorithms[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (key.asymmetricKeyType === 'ec' && algorithm) return algorithm;
  throw new Error(`a service-account key must be RSA or a NIST curve, not ${key.asymmetricKeyType}`);
}

/** Signs with the first key that can. */
export async function signToken(keys: readonly TokenKey[], claims: JWTPayload): Promise<string> {
  const { SignJWT } = await import('jose');
  const key = keys.find(candidate => candidate.privateKey);
  if (!key?.privateKey) throw new Error('no service-account key can sign: a private key is needed');
  return new SignJWT(claims).setProtectedHeader({ alg: key.algorithm, kid: key.id }).sign(key.privateKey);
}

/** The claims of a token that one of the keys signed and that is valid at `nowMs`. Rejects otherwise, also for `alg: none`. */
export async function verifyToken(keys: readonly TokenKey[], token: string, nowMs: number): Promise<JWTPayload> {
  const { jwtVerify, decodeProtectedHeader } = await import('jose');
  const { kid } = decodeProtectedHeader(token);
  const candidates = keys.filter(key => kid === undefined || key.id === kid);
  let failure: unknown = new Error('no key has the id that the token names');
  for (const key of candidates) {
    try {
      const options = {
        algorithms: [key.algorithm],
        clockTolerance: leewaySeconds,
        currentDate: new Date(nowMs),
      };
      return (await jwtVerify(token, key.publicKey, options)).payload;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** The claims without any check: only to see whose token it is. Undefined when the text is no token. */
export function peekClaims(token: string): JWTPayload | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? (claims as JWTPayload) : undefined;
  } catch {
    // Not JSON, so no token of ours: another method may know it.
    return undefined;
  }
}

/** Whether a token's own time window holds at `nowMs`, with the usual leeway. */
export function isWithinTime(claims: JWTPayload, nowMs: number): boolean {
  const nowSeconds = Math.floor(nowMs / 1000);
  if (claims.exp !== undefined && nowSeconds - leewaySeconds >= claims.exp) return false;
  return claims.nbf === undefined || claims.nbf <= nowSeconds + leewaySeconds;
}

/** The public halves, as served under /openid/v1/jwks. */
export async function exportKeySet(keys: readonly TokenKey[]): Promise<JSONWebKeySet> {
  const { exportJWK } = await import('jose');
  const exported = keys.map(async key => ({
    use: 'sig',
    kid: key.id,
    alg: key.algorithm,
    ...(await exportJWK(key.publicKey)),
  }));
  return { keys: await Promise.all(exported) };
}
