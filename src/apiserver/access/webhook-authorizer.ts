import type { SubjectAccessReview, SubjectAccessReviewSpec } from '#api';
import { cel } from '#api';
import type { Clock, Log } from '#base';
import type { Attributes, Decision } from '../access.ts';
import { toReviewSpec } from './access-review.ts';
import type { AskWebhook } from './ask-webhook.ts';
import { createExpiringMap } from './expiring-map.ts';

export interface WebhookAuthorizerOptions {
  readonly name: string;
  readonly ask: AskWebhook;
  readonly timeoutMs: number;
  /** How long answers are kept; 0: not at all. */
  readonly allowedMs: number;
  readonly refusedMs: number;
  /** What is said when it cannot be asked, or a condition cannot be evaluated. */
  readonly failurePolicy: 'NoOpinion' | 'Deny';
  /** All must be true, or it is not asked. */
  readonly conditions: readonly cel.CelProgram[];
}

/** As upstream: 4096 answers each; longer questions are not kept. */
const rememberedAnswers = 8192;
const longestKey = 10_000;

/** Asks another server whether something is allowed (SubjectAccessReview v1). Never rejects: what goes wrong is logged and decided by the failure policy. */
export function createWebhookAuthorizer(
  options: WebhookAuthorizerOptions,
  { clock, log }: { clock: Clock; log: Log },
): (attributes: Attributes) => Decision | Promise<Decision> {
  const known = createExpiringMap<Decision>(rememberedAnswers, clock);
  const onError: Decision = { verdict: options.failurePolicy === 'Deny' ? 'deny' : 'no-opinion', reason: '' };
  const fail = (error: unknown): Decision => {
    log.warn('an authorization webhook failed', { webhook: options.name, error });
    return onError;
  };
  return attributes => {
    const spec = toReviewSpec(attributes);
    try {
      if (!isAsked(options.conditions, spec)) return { verdict: 'no-opinion', reason: '' };
    } catch (error) {
      return fail(error);
    }
    const key = JSON.stringify(spec);
    const answered = known.get(key);
    if (answered) return answered;
    return review(options, spec).then(decision => {
      const lifeMs = decision.verdict === 'allow' ? options.allowedMs : options.refusedMs;
      if (key.length < longestKey) known.set(key, decision, lifeMs);
      return decision;
    }, fail);
  };
}

/** One condition that is false is enough for no, whatever becomes of the others (as upstream). */
function isAsked(conditions: readonly cel.CelProgram[], spec: SubjectAccessReviewSpec): boolean {
  let failure: unknown;
  for (const program of conditions) {
    try {
      if (program.evaluate({ request: spec }, { costLimit: cel.perCallLimit }).value === false) return false;
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure) throw failure;
  return true;
}

async function review({ ask, timeoutMs }: WebhookAuthorizerOptions, spec: SubjectAccessReviewSpec): Promise<Decision> {
  const body = {
    kind: 'SubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: { creationTimestamp: null },
    spec,
    status: { allowed: false },
  };
  const status = (await ask(body, timeoutMs))['status'] as SubjectAccessReview['status'];
  const { allowed = false, denied = false, reason = '' } = status ?? {};
  if (allowed && denied) throw new Error('webhook subject access review returned both allow and deny response');
  return { verdict: denied ? 'deny' : allowed ? 'allow' : 'no-opinion', reason };
}
