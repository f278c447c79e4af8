import type { PeerCertificate } from 'node:tls';
import type { Secret } from '#api';
import type { Clock } from '#base';
import type { Request } from '#wire';
import type { Authenticator } from '../access.ts';
import type { ObjectReader } from '../reader.ts';
import { anonymous, type User } from '../user.ts';
import { createBootstrapTokens } from './bootstrap-token.ts';
import { createCertificateAuthenticator } from './client-certificate.ts';
import { createWelcome } from './identities.ts';
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
  const welcome = createWelcome();
  return async (token, wanted) => {
    const failures: unknown[] = [];
    for (const method of methods) {
      try {
        const identity = await method(token, wanted);
        if (identity) return { user: welcome(identity.user), audiences: identity.audiences };
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
  const welcome = createWelcome();
  const withoutUser = (path: string): User | undefined =>
    (pathsNow() ?? defaultAnonymousPaths).some(pattern => matchesPath(pattern, path)) ? anonymous : undefined;
  const byCertificate = (request: Request, certificate: PeerCertificate) =>
    firstUser([() => fromFrontProxy?.(request, certificate), () => fromCertificate(certificate)]);
  return request => {
    const { peer } = request;
    if (peer.user) return welcome(peer.user);
    // No async function: of the requests of a busy client nearly all are answered here.
    const { user, failure } = peer.certificate?.raw ? byCertificate(request, peer.certificate) : nobody;
    if (user) return welcome(user);
    const token = bearerTokenOf(request);
    if (token !== undefined) {
      return authenticateToken(fromToken, token).then(welcome, error => {
        throw failure ?? error;
      });
    }
    if (failure) throw failure;
    return withoutUser(request.path);
  };
}

interface Shown {
  readonly user?: User | undefined;
  readonly failure?: unknown;
}

const nobody: Shown = {};

/** One good credential is enough; when none is good, one that is wrong counts. */
function firstUser(shown: readonly (() => User | undefined)[]): Shown {
  let failure: unknown;
  for (const look of shown) {
    try {
      const user = look();
      if (user) return { user };
    } catch (error) {
      failure ??= error;
    }
  }
  return failure ? { failure } : nobody;
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
  const { authorization, 'sec-websocket-protocol': offered } = request.headers;
  if (authorization !== undefined) {
    const [scheme, token] = authorization.trim().split(/ +/);
    if (scheme?.toLowerCase() === 'bearer' && token) return token;
  }
  if (offered === undefined) return undefined;
  const protocols = offered.split(',').map(text => text.trim());
  const encoded = protocols.find(protocol => protocol.startsWith(webSocketPrefix));
  if (encoded === undefined) return undefined;
  return Buffer.from(encoded.slice(webSocketPrefix.length), 'base64url').toString('utf8');
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern.endsWith('/*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}
