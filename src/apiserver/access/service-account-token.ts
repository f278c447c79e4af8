import { hash } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { type KubeObject, type Resource, resources, type Secret } from '#api';
import type { Clock } from '#base';
import type { ObjectReader } from '../reader.ts';
import type { User } from '../user.ts';
import { type BoundedMap, createBoundedMap } from './bounded-map.ts';
import { extraKeys, legacyIssuer, serviceAccountGroups, serviceAccountUserName } from './identities.ts';
import { isWithinTime, peekClaims, type TokenKey, verifyToken } from './json-web-token.ts';
import { createLegacyChecks } from './legacy-token.ts';

/** A user that a token stands for, and the audiences for which it does. */
export interface TokenIdentity {
  readonly user: User;
  readonly audiences: readonly string[];
}

/** Undefined: not a token of this kind. Rejects: one of this kind, but not good (any more). */
export type TokenAuthenticator = (
  token: string,
  audiences?: readonly string[] | undefined,
) => Promise<TokenIdentity | undefined>;

export interface ServiceAccountTokenOptions {
  readonly keys: readonly TokenKey[];
  readonly issuer: string;
  /** Audiences that this server answers to: tokens for others are refused. */
  readonly audiences: readonly string[];
  readonly reader: ObjectReader;
  readonly clock: Clock;
  /** Told of the Secret whose token is used for the first time today: it is to be labelled with the day. Must not throw. */
  readonly noteUse?: ((secret: Secret, day: string) => void) | undefined;
}

/** Bound claims, as upstream writes them under `kubernetes.io`. */
export interface KubernetesClaims {
  namespace: string;
  serviceaccount: ObjectClaim;
  pod?: ObjectClaim;
  secret?: ObjectClaim;
  node?: ObjectClaim;
}
interface ObjectClaim {
  name: string;
  uid: string;
}

/** Tokens whose signature is remembered: a few per pod of a large cluster. */
const rememberedTokens = 8192;
/** A deleted object's tokens live this much longer, so that a pod that is being stopped can finish (as upstream). */
const deletedGraceMs = 60_000;

/** A token that was checked once; `isAlive` is asked at every use, for what it is bound to may go. */
interface Checked {
  readonly claims: JWTPayload;
  readonly identity: TokenIdentity;
  isAlive(): boolean;
  /** Throws for one that was invalidated by hand; notes the use. */
  onUse?(): void;
}

/**
 * Checks service-account tokens: bound ones (issuer, audience, time, signature) and those of old-style Secrets. A token's signature is checked once
 * and remembered by hash; its time window and the objects that it is bound to (existence and uid) are checked at every use.
 */
export function createServiceAccountTokens(options: ServiceAccountTokenOptions): TokenAuthenticator {
  const checked = createBoundedMap<Checked>(rememberedTokens);
  return async (token, audiences) => {
    const key = hash('sha256', token, 'base64url');
    const known = checked.get(key) ?? (await check(options, token, checked, key));
    if (!known) return undefined;
    if (!isWithinTime(known.claims, options.clock.now())) throw new Error('service account token has expired');
    if (!known.isAlive()) throw new Error('service account token has been invalidated');
    known.onUse?.();
    const wanted = audiences ?? options.audiences;
    const matching = wanted.filter(audience => known.identity.audiences.includes(audience));
    if (matching.length === 0) throw new Error('token audiences do not match this server');
    return { user: known.identity.user, audiences: matching };
  };
}

async function check(
  options: ServiceAccountTokenOptions,
  token: string,
  into: BoundedMap<Checked>,
  key: string,
): Promise<Checked | undefined> {
  const issuer = peekClaims(token)?.iss;
  if (issuer !== options.issuer && issuer !== legacyIssuer) return undefined;
  const claims = await verifyToken(options.keys, token, options.clock.now());
  const found = issuer === legacyIssuer ? fromLegacy(options, claims, token) : fromBound(options, claims);
  into.set(key, found);
  return found;
}

function fromBound(options: ServiceAccountTokenOptions, claims: JWTPayload): Checked {
  const bound = claims['kubernetes.io'] as Partial<KubernetesClaims> | undefined;
  const account = bound?.serviceaccount;
  const namespace = bound?.namespace;
  if (!namespace || !account?.name || !account.uid) throw new Error('token has no service account');
  if (claims.sub !== serviceAccountUserName(namespace, account.name)) throw new Error('token subject does not match');
  const { pod, secret } = bound;
  // A node beside a pod only tells where the pod ran; alone it binds the token.
  const node = pod ? undefined : bound.node;
  const isAlive = () =>
    isPresent(options, resources.serviceaccounts, namespace, account) &&
    (!pod || isPresent(options, resources.pods, namespace, pod)) &&
    (!secret || isPresent(options, resources.secrets, namespace, secret)) &&
    (!node || isPresent(options, resources.nodes, undefined, node));
  const user: User = {
    name: claims.sub,
    uid: account.uid,
    groups: serviceAccountGroups(namespace),
    extra: extraOf(claims, bound),
  };
  return { claims, identity: { user, audiences: audiencesOf(claims) }, isAlive };
}

/** A signature says who wrote the claims, not that they are well formed. */
function audiencesOf({ aud = [] }: JWTPayload): readonly string[] {
  const audiences: unknown = typeof aud === 'string' ? [aud] : aud;
  if (!Array.isArray(audiences) || !audiences.every(name => typeof name === 'string')) {
    throw new Error('token audiences are neither a text nor a list of texts');
  }
  return audiences;
}

function extraOf(claims: JWTPayload, bound: Partial<KubernetesClaims>): Record<string, string[]> {
  const extra: Record<string, string[]> = {};
  if (claims.jti) extra[extraKeys.credentialId] = [`JTI=${claims.jti}`];
  if (bound.pod) {
    extra[extraKeys.podName] = [bound.pod.name];
    extra[extraKeys.podUid] = [bound.pod.uid];
  }
  if (bound.node) {
    extra[extraKeys.nodeName] = [bound.node.name];
    extra[extraKeys.nodeUid] = [bound.node.uid];
  }
  return extra;
}

/** Tokens that the token controller wrote into Secrets of type kubernetes.io/service-account-token: good as long as the Secret holds them. */
function fromLegacy(options: ServiceAccountTokenOptions, claims: JWTPayload, token: string): Checked {
  const claim = (name: string) => String(claims[`kubernetes.io/serviceaccount/${name}`] ?? '');
  const namespace = claim('namespace');
  const account = { name: claim('service-account.name'), uid: claim('service-account.uid') };
  const secretName = claim('secret.name');
  if (claims.sub !== serviceAccountUserName(namespace, account.name)) throw new Error('token subject does not match');
  const secretOf = () => options.reader.get(resources.secrets, namespace, secretName);
  const isAlive = () => {
    const secret = secretOf();
    if (!secret || secret.metadata.deletionTimestamp) return false;
    if (Buffer.from(secret.data?.['token'] ?? '', 'base64').toString('utf8') !== token) return false;
    return isPresent(options, resources.serviceaccounts, namespace, account);
  };
  const user: User = { name: claims.sub, uid: account.uid, groups: serviceAccountGroups(namespace), extra: {} };
  // Old tokens carry no audience: they are for this server alone.
  const check = createLegacyChecks(options);
  const onUse = () => check(secretOf()!, account.name);
  return { claims, identity: { user, audiences: options.audiences }, isAlive, onUse };
}

function isPresent<T extends KubeObject>(
  options: ServiceAccountTokenOptions,
  resource: Resource<T>,
  namespace: string | undefined,
  claim: ObjectClaim,
): boolean {
  const object = options.reader.get(resource, namespace, claim.name);
  if (!object || object.metadata.uid !== claim.uid) return false;
  const { deletionTimestamp } = object.metadata;
  return deletionTimestamp === undefined || Date.parse(deletionTimestamp) > options.clock.now() - deletedGraceMs;
}
