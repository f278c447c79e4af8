import type { AdmissionPlugin, AdmissionRequest } from '../../admission.ts';
import { type CallDeps, callHook, type Invocation, underPolicy } from './call-hook.ts';
import { type Configurations, createConfigurations, type Hook } from './configurations.ts';
import { toRefusal } from './failure.ts';
import { isExempt, type MatchDeps, matchHook } from './match.ts';
import type { MatchConditions } from './match-conditions.ts';
import type { MeteredCall } from './meters.ts';
import { applyVerdict } from './patch.ts';
import { Reinvocation } from './reinvocation.ts';
import { toVersioned } from './review.ts';

export interface HookDeps extends CallDeps, MatchDeps {
  readonly conditions: MatchConditions;
}

/** Prefixes of upstream's audit annotations. */
const mutationPrefix = 'mutation.webhook.admission.k8s.io/';
const patchPrefix = 'patch.webhook.admission.k8s.io/';

/** MutatingAdmissionWebhook: one webhook after the other, each seeing what those before it made. */
export function createMutatingWebhooks(deps: HookDeps): AdmissionPlugin & Disposable {
  const configurations = createConfigurations(deps.reader, 'mutating');
  return {
    name: 'MutatingAdmissionWebhook',
    mutate: request => begin(configurations, request, deps),
    [Symbol.dispose]: () => configurations[Symbol.dispose](),
  };
}

/** Without webhooks nothing is waited for. */
function begin(configurations: Configurations, request: AdmissionRequest, deps: HookDeps): Promise<void> | undefined {
  const hooks = configurations.hooks();
  return hooks.length === 0 || isExempt(request) ? undefined : dispatch(hooks, request, deps);
}

async function dispatch(hooks: readonly Hook[], request: AdmissionRequest, deps: HookDeps): Promise<void> {
  const reinvocation = request.rounds && Reinvocation.of(request.rounds);
  const isSecond = request.rounds?.round === 1;
  if (isSecond) await reinvocation?.begin(request);
  try {
    for (const [index, hook] of hooks.entries()) {
      const kind = matchHook(hook, request, deps);
      if (!kind) continue;
      const versioned = await toVersioned(request, kind);
      const call: MeteredCall = { name: hook.webhook.name, type: 'admit', operation: request.operation };
      if (!deps.conditions.match(hook, { request, versioned, call })) continue;
      // Who was not called in the first round is not called in the second one for the first time.
      if (isSecond && !reinvocation?.isDue(hook.id)) continue;
      const isChanged = await mutateOnce({ hook, versioned, index }, { request, deps, call });
      if (isChanged) {
        reinvocation?.changed();
        request.rounds?.again();
      }
      if (hook.webhook.reinvocationPolicy === 'IfNeeded') reinvocation?.called(hook.id);
    }
  } finally {
    await reinvocation?.end(request);
  }
}

async function mutateOnce(
  invocation: Invocation,
  about: { request: AdmissionRequest; deps: HookDeps; call: MeteredCall },
): Promise<boolean> {
  const { request, deps, call } = about;
  const { hook, versioned, index } = invocation;
  const { name } = hook.webhook;
  const at = `round_${request.rounds?.round ?? 0}_index_${index}`;
  const noted = { configuration: hook.configuration, webhook: name };
  const onIgnored = () => request.annotate?.(`failed-open.${mutationPrefix}${at}`, name);
  let isChanged = false;
  try {
    await underPolicy(invocation, { call, deps, onIgnored }, async () => {
      const verdict = await callHook(invocation, request, deps);
      const applied = await applyVerdict(verdict, { name, request, versioned });
      if (!applied) return;
      isChanged = applied.isChanged;
      const note = { ...noted, patch: applied.patch, patchType: 'JSONPatch' };
      request.annotate?.(`${patchPrefix}${at}`, JSON.stringify(note), 'Request');
    });
  } catch (error) {
    throw toRefusal(error);
  } finally {
    request.annotate?.(`${mutationPrefix}${at}`, JSON.stringify({ ...noted, mutated: isChanged }));
  }
  return isChanged;
}
