import type { Clock, Log, Random } from '#base';
import type { AdmissionRequest } from '../../admission.ts';
import { WebhookCallError, type WebhookClient } from '../../webhook/index.ts';
import type { Hook } from './configurations.ts';
import { dryRunUnsupported, HookFailure, HookRejection, refusalOf, requestTimedOut } from './failure.ts';
import type { HookMeters, MeteredCall } from './meters.ts';
import {
  InvalidAnswer,
  readVerdict,
  reviewOf,
  reviewRequest,
  reviewVersionOf,
  type Verdict,
  type Versioned,
} from './review.ts';

export interface CallDeps {
  readonly client: WebhookClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meters: HookMeters;
}

/** One hook and the request in the version that it asked for. */
export interface Invocation {
  readonly hook: Hook;
  readonly versioned: Versioned;
  /** Its place among the hooks that the request met: part of the names of audit annotations. */
  readonly index: number;
}

const defaultTimeoutSeconds = 10;
const safeOnDryRun: readonly string[] = ['None', 'NoneOnDryRun'];

/** Asks a webhook. Throws HookFailure, HookRejection, or Status 400 for a dry run that it cannot take part in. */
export async function callHook(invocation: Invocation, request: AdmissionRequest, deps: CallDeps): Promise<Verdict> {
  const { hook, versioned } = invocation;
  const { name, sideEffects, clientConfig, timeoutSeconds = defaultTimeoutSeconds } = hook.webhook;
  if (request.dryRun && !safeOnDryRun.includes(sideEffects)) throw dryRunUnsupported(name);
  const version = reviewVersionOf(hook);
  if (!version) {
    const why =
      'could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)';
    throw new HookFailure(name, why, { code: 400 });
  }
  const uid = deps.random.uuid();
  const body = reviewOf(version, reviewRequest(request, versioned, uid));
  const leftMs = (request.deadlineMs ?? Number.POSITIVE_INFINITY) - deps.clock.monotonicMs();
  if (leftMs <= 0) throw requestTimedOut();
  const timeoutMs = Math.min(timeoutSeconds * 1000, leftMs);
  const call = { clientConfig, body, timeoutMs, signal: request.signal };
  const answer = await deps.client.call(call).catch(error => {
    throw timeoutMs === leftMs && isTimeout(error) ? requestTimedOut() : failureOf(name, error);
  });
  const verdict = read(name, answer, { version, uid, type: hook.type });
  for (const [key, value] of Object.entries(verdict.auditAnnotations)) request.annotate?.(`${name}/${key}`, value);
  for (const text of verdict.warnings) request.warn(text);
  if (!verdict.allowed) throw new HookRejection(refusalOf(name, verdict.result));
  return verdict;
}

function isTimeout(error: unknown): boolean {
  return error instanceof WebhookCallError && error.code === 'timeout';
}

function failureOf(name: string, error: unknown): unknown {
  if (!(error instanceof WebhookCallError)) return error;
  const code = error.answered?.status.code ?? 503;
  return new HookFailure(name, `failed to call webhook: ${error.message}`, { code, cause: error });
}

function read(name: string, answer: unknown, asked: Parameters<typeof readVerdict>[1]): Verdict {
  try {
    return readVerdict(answer, asked);
  } catch (error) {
    if (!(error instanceof InvalidAnswer)) throw error;
    throw new HookFailure(name, `received invalid webhook response: ${error.message}`, { code: 503, cause: error });
  }
}

/**
 * Runs a call of a hook and counts it. Resolves with undefined for a failure that the hook's failurePolicy ignores; rejects with what the request is to fail with,
 * still unworded (see toRefusal).
 */
export async function underPolicy<T>(
  invocation: Invocation,
  about: { call: MeteredCall; deps: CallDeps; onIgnored(): void },
  run: () => Promise<T>,
): Promise<T | undefined> {
  const { call, deps } = about;
  const startMs = deps.clock.monotonicMs();
  const seconds = () => (deps.clock.monotonicMs() - startMs) / 1000;
  try {
    const result = await run();
    deps.meters.observe(call, { seconds: seconds(), isIgnored: false });
    return result;
  } catch (error) {
    const isIgnored = error instanceof HookFailure && invocation.hook.webhook.failurePolicy === 'Ignore';
    deps.meters.observe(call, { seconds: seconds(), error, isIgnored });
    if (!isIgnored) throw error;
    deps.log.warn('a webhook failed and is passed over, as its failurePolicy says', { webhook: call.name, error });
    about.onIgnored();
    return undefined;
  }
}
