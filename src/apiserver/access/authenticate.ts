import type { Secret } from '#api';
import type { Clock } from '#base';
import type { Request } from '#wire';
import type { Authenticator } from '../access.ts';
import type { ObjectReader } from '../reader.ts';
import { anonymous, type User } from '../user.ts';
import { createBootstrapTokens } from './bootstrap-token.ts';
import { createCertificateAuthenticator } from './client-certificate.ts';
import { asAuthenticated } from './identities.ts';
import type { TokenKey } from './json-web-token.ts';
import { unauthorized } from './refuse.ts';
import { createRequestHeaderAuthenticator, type RequestHeaderOptions } from './request-header.ts';
import { createServiceAccountTokens, type TokenAuthenticator } from './service-account-token.ts';

export interface AuthenticationOptions {
  /** PEM of the authorities that sign client certificates. */
  readonly clientCa: string;
  readonly serviceAccountKeys: readonly TokenKey[];
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly reader: ObjectReader;
  readonly clock: Clock;
  /** Front proxies that say in headers who asks; undefined: none are believed. */
  readonly requestHeader?: RequestHeaderOptions | undefined;
  /** Paths that need no credentials; a trailing `/*` takes all below. Default: health and version. */
  readonly anonymousPaths?: readonly string[] | (() => readonly string[] | undefined) | undefined;
  /** As in ServiceAccountTokenOptions. */
  readonly noteUse?: ((secret: Secret, day: string) => void) | undefined;
  /** Further kinds of tokens (the static tokens of joining machines), asked first. */
  readonly tokens?: readonly TokenAuthenticator[] | undefined;
  /** Kinds of tokens that other servers know, asked last. */
  readonly foreignTokens?: TokenAuthenticator | undefined;
}

/** Where anonymous requests may go by default; RBAC (system:public-info-viewer) still has the last word. */
export const defaultAnonymousPaths = [
  '/healthz',
  '/healthz/*',
  '/livez',
  '/livez/*',
  '/readyz',
  '/readyz/*',
  '/version',
  '/version/',
];

/** Every kind of bearer token in one: the first that takes the token decides; when none does, the first complaint counts. */
export function createTokenAuthenticator(options: AuthenticationOptions): TokenAuthenticator {
  const { serviceAccountKeys: keys, issuer, audiences, reader, clock, noteUse } = options;
  const methods = [
    ...(options.tokens ?? []),
    createBootstrapTokens({ reader, clock, audiences }),
    createServiceAccountTokens({ keys, issuer, audiences, reader, clock, noteUse }),
    ...(options.foreignTokens ? [options.foreignTokens] : []),
  ];
  return async (token, wanted) => {
    const failures: unknown[] = [];
    for (const method of methods) {
      try {
        const identity = await method(token, wanted);
        if (identity) return { ...identity, user: asAuthenticated(identity.user) };
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return undefined;
  };
}

/**
 * Says who sends a request: a caller in this process, a front proxy's headers, a client certificate, or a bearer token, in that order. Credentials that are shown and
 * wrong are 401 unless others are good. Without credentials: the anonymous user on `anonymousPaths`, undefined elsewhere (then answer 401).
 */
export function createAuthenticator(options: AuthenticationOptions): Authenticator {
  const fromCertificate = createCertificateAuthenticator({ authorities: options.clientCa, clock: options.clock });
  const fromToken = createTokenAuthenticator(options);
  const { requestHeader, clock } = options;
  const fromFrontProxy = requestHeader && createRequestHeaderAuthenticator({ ...requestHeader, clock });
  const { anonymousPaths } = options;
  const pathsNow = () => (typeof anonymousPaths === 'function' ? anonymousPaths() : anonymousPaths);
  return async request => {
    const { peer } = request;
    if (peer.user) return asAuthenticated(peer.user);
    const shown: (() => User | undefined | Promise<User | undefined>)[] = [];
    const { certificate } = peer;
    if (certificate?.raw && fromFrontProxy) shown.push(() => fromFrontProxy(request, certificate));
    if (certificate?.raw) shown.push(() => fromCertificate(certificate));
    const token = bearerTokenOf(request);
    if (token !== undefined) shown.push(() => authenticateToken(fromToken, token));
    const user = await firstUser(shown);
    if (user) return asAuthenticated(user);
    return (pathsNow() ?? defaultAnonymousPaths).some(path => matchesPath(path, request.path)) ? anonymous : undefined;
  };
}

/** One good credential is enough; when none is good, one that is wrong counts. */
async function firstUser(
  shown: readonly (() => User | undefined | Promise<User | undefined>)[],
): Promise<User | undefined> {
  let failure: unknown;
  for (const look of shown) {
    try {
      const user = await look();
      if (user) return user;
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure) throw failure;
  return undefined;
}

async function authenticateToken(method: TokenAuthenticator, token: string): Promise<User> {
  let identity: Awaited<ReturnType<TokenAuthenticator>>;
  try {
    identity = await method(token);
  } catch {
    // Why a token is refused is not told to its bearer (as upstream).
    throw unauthorized();
  }
  if (!identity) throw unauthorized();
  return identity.user;
}

const webSocketPrefix = 'base64url.bearer.authorization.k8s.io.';

/** From the Authorization header, or from the sub-protocol that browsers use for WebSockets. */
function bearerTokenOf(request: Request): string | undefined {
  const [scheme, token] = (request.headers['authorization'] ?? '').trim().split(/ +/);
  if (scheme?.toLowerCase() === 'bearer' && token) return token;
  const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map(text => text.trim());
  const encoded = protocols.find(protocol => protocol.startsWith(webSocketPrefix));
  if (encoded === undefined) return undefined;
  return Buffer.from(encoded.slice(webSocketPrefix.length), 'base64url').toString('utf8');
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern.endsWith('/*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}
