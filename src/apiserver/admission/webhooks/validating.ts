import type { AdmissionPlugin, AdmissionRequest } from '../../admission.ts';
import { callHook, type Invocation, underPolicy } from './call-hook.ts';
import { type Configurations, createConfigurations, type Hook } from './configurations.ts';
import { toRefusal } from './failure.ts';
import { isExempt, matchHook } from './match.ts';
import type { MeteredCall } from './meters.ts';
import type { HookDeps } from './mutating.ts';
import { toVersioned } from './review.ts';

const failedOpenPrefix = 'failed-open.validating.webhook.admission.k8s.io/';

/** ValidatingAdmissionWebhook: all webhooks at once, about the object as it will be stored; the first refusal in order is the answer. */
export function createValidatingWebhooks(deps: HookDeps): AdmissionPlugin & Disposable {
  const configurations = createConfigurations(deps.reader, 'validating');
  return {
    name: 'ValidatingAdmissionWebhook',
    validate: request => begin(configurations, request, deps),
    [Symbol.dispose]: () => configurations[Symbol.dispose](),
  };
}

/** Without webhooks nothing is waited for. */
function begin(configurations: Configurations, request: AdmissionRequest, deps: HookDeps): Promise<void> | undefined {
  const hooks = configurations.hooks();
  return hooks.length === 0 || isExempt(request) ? undefined : dispatch(hooks, request, deps);
}

async function dispatch(hooks: readonly Hook[], request: AdmissionRequest, deps: HookDeps): Promise<void> {
  const invocations: Invocation[] = [];
  for (const hook of hooks) {
    const kind = matchHook(hook, request, deps);
    if (!kind) continue;
    const versioned = await toVersioned(request, kind);
    const call = meteredCall(hook, request);
    if (!deps.conditions.match(hook, { request, versioned, call })) continue;
    invocations.push({ hook, versioned, index: invocations.length });
  }
  const outcomes = await Promise.allSettled(invocations.map(invocation => validateOnce(invocation, request, deps)));
  const refused = outcomes.find(outcome => outcome.status === 'rejected');
  if (refused) throw toRefusal(refused.reason);
}

async function validateOnce(invocation: Invocation, request: AdmissionRequest, deps: HookDeps): Promise<void> {
  const { hook, index } = invocation;
  const key = `${failedOpenPrefix}round_0_index_${index}`;
  const onIgnored = () => request.annotate?.(key, hook.webhook.name);
  const about = { call: meteredCall(hook, request), deps, onIgnored };
  await underPolicy(invocation, about, () => callHook(invocation, request, deps));
}

function meteredCall({ webhook }: Hook, { operation }: AdmissionRequest): MeteredCall {
  return { name: webhook.name, type: 'validating', operation };
}
