import type { BoundObjectReference, KubeObject, Resource, ServiceAccount, TokenRequest } from '#api';
import { resources } from '#api';
import { type Clock, formatTime, type Random } from '#base';
import type { ObjectReader } from '../reader.ts';
import type { User } from '../user.ts';
import { legacyIssuer, serviceAccountUserName } from './identities.ts';
import { signToken, type TokenKey } from './json-web-token.ts';
import { badRequest, conflict, invalid, notFound } from './refuse.ts';
import type { KubernetesClaims } from './service-account-token.ts';

export interface TokenIssuerOptions {
  readonly keys: readonly TokenKey[];
  readonly issuer: string;
  /** Given to requests that name no audience. */
  readonly audiences: readonly string[];
  readonly reader: ObjectReader;
  readonly clock: Clock;
  readonly random: Random;
}

const defaultExpirationSeconds = 3600;
const minimumExpirationSeconds = 600;
const maximumExpirationSeconds = 2 ** 32;
/** What kubelets ask for; such tokens live a year so that old clients which never re-read the file keep working (as upstream). */
const extendableExpirationSeconds = 3607;
const extendedExpirationSeconds = 365 * 24 * 3600;

type Created = TokenRequest & { status: { token: string; expirationTimestamp: string } };

/**
 * Answers a create of serviceaccounts/<name>/token: the request with its token filled in. Throws 404 for an unknown account or bound object, 409 for
 * another uid, 422 for a bad lifetime or reference.
 */
export async function createTokenRequest(
  options: TokenIssuerOptions,
  about: { namespace: string; name: string; object: TokenRequest; user: User },
): Promise<Created> {
  const { namespace, name, object } = about;
  const account = options.reader.get(resources.serviceaccounts, namespace, name);
  if (!account) throw notFound(resources.serviceaccounts, name);
  checkEnvelope(object, account);
  const spec = {
    audiences: object.spec?.audiences?.length ? object.spec.audiences : [...options.audiences],
    expirationSeconds: object.spec?.expirationSeconds ?? defaultExpirationSeconds,
    boundObjectRef: object.spec?.boundObjectRef ?? undefined,
  };
  checkLifetime(spec.expirationSeconds);
  const bound = spec.boundObjectRef ? findBound(options.reader, namespace, spec.boundObjectRef, account) : {};
  const claims = buildClaims(options, { account, bound, spec });
  const token = await signToken(options.keys, claims);
  return {
    ...object,
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { ...object.metadata, name, namespace, creationTimestamp: formatTime(options.clock.now()) },
    spec,
    status: { token, expirationTimestamp: formatTime((claims.iat + spec.expirationSeconds) * 1000) },
  };
}

/** The token that a Secret of type kubernetes.io/service-account-token holds: good for as long as the Secret holds it (upstream's LegacyClaims). */
export function createLegacyToken(
  keys: readonly TokenKey[],
  about: { namespace: string; serviceAccount: { name: string; uid: string }; secret: string },
): Promise<string> {
  const { namespace, serviceAccount, secret } = about;
  const prefix = 'kubernetes.io/serviceaccount';
  return signToken(keys, {
    iss: legacyIssuer,
    [`${prefix}/namespace`]: namespace,
    [`${prefix}/secret.name`]: secret,
    [`${prefix}/service-account.name`]: serviceAccount.name,
    [`${prefix}/service-account.uid`]: serviceAccount.uid,
    sub: serviceAccountUserName(namespace, serviceAccount.name),
  });
}

function checkEnvelope(object: TokenRequest, account: ServiceAccount): void {
  const { name, namespace } = object.metadata ?? {};
  if (name && name !== account.metadata.name) {
    throw badRequest('the name of the object does not match the name on the request URL');
  }
  if (namespace && namespace !== account.metadata.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

function checkLifetime(seconds: number): void {
  const field = 'spec.expirationSeconds';
  const refuse = (why: string) =>
    invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', [
      { reason: 'FieldValueInvalid', field, message: `Invalid value: ${seconds}: ${why}` },
    ]);
  if (seconds < minimumExpirationSeconds) throw refuse('may not specify a duration less than 10 minutes');
  if (seconds > maximumExpirationSeconds) throw refuse('may not specify a duration larger than 2^32 seconds');
}

type Bound = Pick<KubernetesClaims, 'pod' | 'secret' | 'node'>;

function findBound(
  reader: ObjectReader,
  namespace: string,
  reference: BoundObjectReference,
  account: ServiceAccount,
): Bound {
  const name = reference.name ?? '';
  switch (`${reference.apiVersion}/${reference.kind}`) {
    case 'v1/Pod': {
      const pod = requireObject(reader, resources.pods, { namespace, name, uid: reference.uid });
      if (pod.spec.serviceAccountName !== account.metadata.name) {
        throw badRequest(
          `cannot bind token for serviceaccount "${account.metadata.name}" to pod running with different serviceaccount name.`,
        );
      }
      const node = pod.spec.nodeName ? reader.get(resources.nodes, undefined, pod.spec.nodeName) : undefined;
      return { pod: claimOf(pod), ...(node ? { node: claimOf(node) } : {}) };
    }
    case 'v1/Secret':
      return { secret: claimOf(requireObject(reader, resources.secrets, { namespace, name, uid: reference.uid })) };
    case 'v1/Node':
      return {
        node: claimOf(requireObject(reader, resources.nodes, { namespace: undefined, name, uid: reference.uid })),
      };
    default:
      throw badRequest(
        `cannot bind token for serviceaccount "${account.metadata.name}" to object of type ${reference.apiVersion}, Kind=${reference.kind}`,
      );
  }
}

function requireObject<T extends KubeObject>(
  reader: ObjectReader,
  resource: Resource<T>,
  wanted: { namespace: string | undefined; name: string; uid: string | undefined },
): T {
  const object = reader.get(resource, wanted.namespace, wanted.name);
  if (!object) throw notFound(resource, wanted.name);
  if (wanted.uid && object.metadata.uid !== wanted.uid) {
    const why = `the UID in the bound object reference (${wanted.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict(resource, wanted.name, why);
  }
  return object;
}

function claimOf(object: KubeObject): { name: string; uid: string } {
  return { name: object.metadata.name, uid: object.metadata.uid ?? '' };
}

function buildClaims(
  options: TokenIssuerOptions,
  about: { account: ServiceAccount; bound: Bound; spec: { audiences: string[]; expirationSeconds: number } },
) {
  const { account, bound, spec } = about;
  const namespace = account.metadata.namespace ?? '';
  const iat = Math.floor(options.clock.now() / 1000);
  const isExtendable =
    spec.expirationSeconds === extendableExpirationSeconds &&
    bound.pod !== undefined &&
    spec.audiences.every(audience => options.audiences.includes(audience));
  const lifetime = isExtendable ? extendedExpirationSeconds : spec.expirationSeconds;
  return {
    aud: spec.audiences,
    exp: iat + lifetime,
    iat,
    iss: options.issuer,
    jti: options.random.uuid(),
    'kubernetes.io': {
      namespace,
      serviceaccount: claimOf(account),
      ...bound,
      ...(isExtendable ? { warnafter: iat + spec.expirationSeconds } : {}),
    },
    nbf: iat,
    sub: serviceAccountUserName(namespace, account.metadata.name),
  };
}
