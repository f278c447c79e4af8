import type { MutatingAdmissionPolicyBinding as Binding, MutatingAdmissionPolicy as Policy } from '#api';
import { createOverlay, resources } from '#api';
import { StatusError } from '../../access/refuse.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../../admission.ts';
import { refuse } from '../request.ts';
import { isExempt } from '../webhooks/match.ts';
import { Reinvocation } from '../webhooks/reinvocation.ts';
import { compileMutatingPolicy } from './compile.ts';
import { type Failure, type Invocation, type InvokeDeps, invoke, type MutatingHook } from './invoke.ts';
import { type Resolved, resolvePolicies } from './resolve.ts';
import { createPolicySource } from './source.ts';

export type MutatingDeps = Omit<InvokeDeps, 'overlay'>;

const pluginName = 'MutatingAdmissionPolicy';

/** MutatingAdmissionPolicy: one policy after the other by name, each seeing what those before it made. */
export function createMutatingPolicies(deps: MutatingDeps): AdmissionPlugin & Disposable {
  const full = { ...deps, overlay: createOverlay() };
  const source = createPolicySource({
    reader: deps.reader,
    policies: resources.mutatingadmissionpolicies,
    bindings: resources.mutatingadmissionpolicybindings,
    compile: compileMutatingPolicy,
  });
  return {
    name: pluginName,
    mutate(request) {
      const hooks = source.hooks();
      if (hooks.length === 0 || isExempt(request)) return undefined;
      const resolved = resolvePolicies(hooks, request, deps);
      return resolved.length === 0 ? undefined : dispatch(resolved, request, full);
    },
    [Symbol.dispose]: () => source[Symbol.dispose](),
  };
}

async function dispatch(
  resolved: readonly Resolved<MutatingHook>[],
  request: AdmissionRequest,
  deps: InvokeDeps,
): Promise<void> {
  const failures: Failure[] = [];
  const invocations: Invocation[] = [];
  for (const one of resolved) {
    if (one.problem === undefined) invocations.push(...one.params.map(param => ({ ...one, param })));
    else failures.push({ hook: one.hook, binding: one.binding, problem: one.problem });
  }
  const reinvocation = request.rounds && Reinvocation.of(request.rounds, pluginName);
  if (request.rounds?.round === 1) await reinvocation?.begin(request);
  try {
    for (const invocation of invocations) failures.push(...(await invoke(invocation, request, { deps, reinvocation })));
  } finally {
    await reinvocation?.end(request);
  }
  const counted = failures.filter(({ hook }) => hook.policy.spec.failurePolicy !== 'Ignore');
  if (counted.length > 0) throw refusalOf(request, counted);
}

/** 403: with the words of the first failure, and all of them as causes. */
function refusalOf(request: AdmissionRequest, failures: readonly Failure[]): StatusError {
  const { status } = refuse(request, 'admission request denied by policy');
  const details = status['details'] as Record<string, unknown> | undefined;
  const messages = failures.map(({ hook, binding, problem }) => worded(hook.policy, binding, problem));
  return new StatusError({
    code: status.code,
    reason: failures[0]?.reason ?? status.reason,
    message: messages[0]!,
    details: { ...details, causes: messages.map(message => ({ message })) },
  });
}

function worded({ metadata }: Policy, binding: Binding | undefined, problem: string): string {
  return binding
    ? `policy '${metadata.name}' with binding '${binding.metadata.name}' denied request: ${problem}`
    : `policy ${JSON.stringify(metadata.name)} denied request: ${problem}`;
}
