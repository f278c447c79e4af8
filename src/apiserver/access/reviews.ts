import type {
  KubeObject,
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
  SubjectAccessReviewStatus,
  TokenReview,
  UserInfo,
} from '#api';
import { type Clock, formatTime } from '#base';
import type { Attributes, Decision } from '../access.ts';
import type { User } from '../user.ts';
import type { Authorization } from './authorize.ts';
import { badRequest, invalid } from './refuse.ts';
import { checkSelectors, fieldSelectorOf, labelSelectorOf } from './review-selectors.ts';
import type { TokenAuthenticator } from './service-account-token.ts';

export interface ReviewOptions {
  readonly authorization: Pick<Authorization, 'authorize' | 'rulesFor'>;
  readonly tokens: TokenAuthenticator;
  readonly audiences: readonly string[];
  readonly clock: Clock;
}

/** Answers a create of a kind that is never stored. `namespace` is that of the URL, for LocalSubjectAccessReview. */
export type ReviewHandler = (object: KubeObject, user: User, namespace?: string | undefined) => Promise<KubeObject>;

const group = 'authorization.k8s.io';

/** The handlers by plural resource name and group: `subjectaccessreviews.authorization.k8s.io`. Throws 422 or 400 for bad reviews. */
export function createReviews(options: ReviewOptions): Readonly<Record<string, ReviewHandler>> {
  const { authorization } = options;
  const handler = <T extends KubeObject>(
    answer: (object: T, user: User, namespace: string | undefined) => Promise<KubeObject> | KubeObject,
  ): ReviewHandler => {
    return async (object, user, namespace) => answer(object as T, user, namespace);
  };
  return {
    [`subjectaccessreviews.${group}`]: handler<SubjectAccessReview>(async review => {
      checkSpec('SubjectAccessReview', review.spec);
      return { ...review, status: await judge(authorization, review.spec, subjectOf(review.spec)) };
    }),
    [`localsubjectaccessreviews.${group}`]: handler<LocalSubjectAccessReview>(async (review, _user, namespace) => {
      checkLocal(review, namespace);
      return { ...review, status: await judge(authorization, review.spec, subjectOf(review.spec)) };
    }),
    [`selfsubjectaccessreviews.${group}`]: handler<SelfSubjectAccessReview>(async (review, user) => {
      checkTarget('SelfSubjectAccessReview', review.spec);
      return { ...review, status: await judge(authorization, review.spec, user) };
    }),
    [`selfsubjectrulesreviews.${group}`]: handler<SelfSubjectRulesReview>((review, user) => {
      if (!review.spec?.namespace) throw badRequest('no namespace on request');
      const { evaluationError, ...rules } = authorization.rulesFor(user, review.spec.namespace);
      return { ...review, status: { ...rules, ...(evaluationError ? { evaluationError } : {}) } };
    }),
    'selfsubjectreviews.authentication.k8s.io': handler<SelfSubjectReview>((review, user) => ({
      ...review,
      metadata: { ...review.metadata, creationTimestamp: formatTime(options.clock.now()) },
      status: { userInfo: toUserInfo(user) },
    })),
    'tokenreviews.authentication.k8s.io': handler<TokenReview>(review => reviewToken(options, review)),
  };
}

async function reviewToken(options: ReviewOptions, review: TokenReview): Promise<TokenReview> {
  if (!review.spec?.token) throw badRequest('token is required for TokenReview in authentication');
  const wanted = review.spec.audiences?.length ? review.spec.audiences : undefined;
  try {
    const identity = await options.tokens(review.spec.token, wanted ?? options.audiences);
    if (!identity) return { ...review, status: { user: {} } };
    const audiences = { audiences: [...identity.audiences] };
    return { ...review, status: { authenticated: true, user: toUserInfo(identity.user), ...audiences } };
  } catch (error) {
    return { ...review, status: { user: {}, error: (error as Error).message } };
  }
}

/** A user as reviews and webhooks show it. */
export function toUserInfo(user: User): UserInfo {
  const extra = Object.fromEntries(Object.entries(user.extra ?? {}).map(([key, values]) => [key, [...values]]));
  return {
    username: user.name,
    ...(user.uid ? { uid: user.uid } : {}),
    groups: [...user.groups],
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
}

async function judge(
  authorization: ReviewOptions['authorization'],
  spec: Pick<SubjectAccessReviewSpec, 'resourceAttributes' | 'nonResourceAttributes'>,
  user: User,
): Promise<SubjectAccessReviewStatus> {
  const decision: Decision = await authorization.authorize(toAttributes(spec, user));
  return {
    allowed: decision.verdict === 'allow',
    ...(decision.verdict === 'deny' ? { denied: true } : {}),
    ...(decision.reason ? { reason: decision.reason } : {}),
  };
}

function toAttributes(
  spec: Pick<SubjectAccessReviewSpec, 'resourceAttributes' | 'nonResourceAttributes'>,
  user: User,
): Attributes {
  const { resourceAttributes: asked, nonResourceAttributes: path } = spec;
  if (!asked) return { user, verb: path?.verb ?? '', path: path?.path ?? '' };
  const [fieldSelector, labelSelector] = [fieldSelectorOf(asked), labelSelectorOf(asked)];
  return {
    user,
    verb: asked.verb ?? '',
    group: asked.group ?? '',
    version: asked.version ?? '',
    resource: asked.resource ?? '',
    subresource: asked.subresource ?? '',
    namespace: asked.namespace ?? '',
    name: asked.name ?? '',
    ...(fieldSelector ? { fieldSelector } : {}),
    ...(labelSelector ? { labelSelector } : {}),
  };
}

function subjectOf(spec: SubjectAccessReviewSpec): User {
  return { name: spec.user ?? '', uid: spec.uid, groups: spec.groups ?? [], extra: spec.extra };
}

const oneTarget = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';

function checkTarget(
  kind: string,
  spec: Pick<SubjectAccessReviewSpec, 'resourceAttributes' | 'nonResourceAttributes'>,
) {
  const count = (spec?.resourceAttributes ? 1 : 0) + (spec?.nonResourceAttributes ? 1 : 0);
  if (count === 1) {
    const errors = checkSelectors(spec.resourceAttributes);
    if (errors.length > 0) throw invalid({ group, kind }, '', errors);
    return;
  }
  const field = 'spec.resourceAttributes';
  const message =
    count === 0
      ? `Invalid value: null: ${oneTarget}`
      : `Invalid value: ${JSON.stringify(spec.nonResourceAttributes)}: cannot be specified in combination with resourceAttributes`;
  throw invalid({ group, kind }, '', [
    { reason: 'FieldValueInvalid', field: count === 0 ? field : 'spec.nonResourceAttributes', message },
  ]);
}

function checkSpec(kind: string, spec: SubjectAccessReviewSpec): void {
  checkTarget(kind, spec);
  if (spec.user || spec.groups?.length) return;
  const message = 'Invalid value: "": at least one of user or group must be specified';
  throw invalid({ group, kind }, '', [{ reason: 'FieldValueInvalid', field: 'spec.user', message }]);
}

function checkLocal(review: LocalSubjectAccessReview, namespace: string | undefined): void {
  const kind = 'LocalSubjectAccessReview';
  checkSpec(kind, review.spec);
  const asked = review.spec.resourceAttributes;
  const refuse = (field: string, value: unknown, why: string) =>
    invalid({ group, kind }, '', [
      { reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value ?? '')}: ${why}` },
    ]);
  const path = review.spec.nonResourceAttributes;
  if (path) throw refuse('spec.nonResourceAttributes', path, 'disallowed on this kind of request');
  const expected = namespace ?? review.metadata?.namespace ?? '';
  if (asked?.namespace !== expected) {
    throw refuse('spec.resourceAttributes.namespace', asked?.namespace, `must match metadata.namespace: "${expected}"`);
  }
}
