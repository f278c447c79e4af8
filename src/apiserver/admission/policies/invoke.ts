import type {
  MutatingAdmissionPolicyBinding as Binding,
  Overlay,
  MutatingAdmissionPolicy as Policy,
  UnknownObject,
} from '#api';
import { cel } from '#api';
import type { Turn } from '#base';
import { createTurn } from '#base';
import type { AdmissionRequest } from '../../admission.ts';
import type { ConditionMeters } from '../condition-meters.ts';
import type { Reinvocation } from '../webhooks/reinvocation.ts';
import { toVersioned, type Versioned } from '../webhooks/review.ts';
import { Activation, OutOfBudget } from './activation.ts';
import type { CompiledMutatingPolicy, CompiledMutation } from './compile.ts';
import { meetsConditions } from './judge.ts';
import type { MutatingMeter } from './meters.ts';
import { applyMutation, MutationProblem } from './mutation.ts';
import { type ParamDeps, toParam } from './params.ts';
import type { RequestValues } from './request-values.ts';
import type { Matched } from './resolve.ts';
import type { PolicyHook } from './source.ts';

export type MutatingHook = PolicyHook<Policy, Binding, CompiledMutatingPolicy>;

/** A policy, one of its bindings and one parameter. */
export type Invocation = Matched<MutatingHook> & { readonly param: UnknownObject | undefined };

/** A policy that could not do its work: its failure policy says whether that is the answer. */
export interface Failure {
  readonly hook: MutatingHook;
  /** Absent: the policy itself is wrong. */
  readonly binding: Binding | undefined;
  readonly problem: string;
  readonly reason?: string;
}

export interface InvokeDeps extends ParamDeps {
  readonly values: RequestValues;
  readonly conditionMeters: ConditionMeters;
  readonly meter: MutatingMeter;
  readonly overlay: Overlay;
  /** Monotonic. */
  nowMs(): number;
}

export interface Surroundings {
  readonly deps: InvokeDeps;
  readonly reinvocation: Reinvocation | undefined;
}

/** Lets a policy change the object: all its mutations in order, each seeing what those before it made. Source: policy/mutating dispatcher.go. */
export async function invoke(
  invocation: Invocation,
  request: AdmissionRequest,
  { deps, reinvocation }: Surroundings,
): Promise<Failure[]> {
  const { hook, binding } = invocation;
  const { policy, compiled } = hook;
  const fail = (problem: string): Failure => ({ hook, binding, problem, reason: 'Invalid' });
  const turn = createTurn({ monotonicMs: deps.nowMs });
  const state = await createState(invocation, request, { ...deps, turn });
  const conditions = meetsConditions(compiled, state.current.activation, {
    failurePolicy: policy.spec.failurePolicy,
    call: { name: policy.metadata.name, type: 'admit', operation: request.operation },
    meters: deps.conditionMeters,
  });
  if (conditions.problem !== undefined) return [fail(conditions.problem)];
  const key = keyOf(invocation);
  // Who was not called in the first round is not called in the second one for the first time.
  if (!conditions.isMet || (request.rounds?.round === 1 && !reinvocation?.isDue(key))) return [];
  const failures: Failure[] = [];
  let isChanged = false;
  for (const mutation of request.object ? compiled.mutations : []) {
    const outcome = await mutate(mutation, request, { ...state.current, deps, invocation });
    if (outcome.problem !== undefined) failures.push(fail(outcome.problem));
    else if (outcome.isChanged) {
      isChanged = true;
      await state.renew();
    }
  }
  if (isChanged) {
    reinvocation?.changed();
    request.rounds?.again();
  }
  if (policy.spec.reinvocationPolicy === 'IfNeeded') reinvocation?.called(key);
  return failures;
}

/** What expressions see at the moment. */
interface Seen {
  readonly versioned: Versioned;
  readonly activation: Activation;
}

interface State {
  readonly current: Seen;
  /** After a change of the object: variables are evaluated anew. */
  renew(): Promise<void>;
}

async function createState(
  invocation: Invocation,
  request: AdmissionRequest,
  deps: InvokeDeps & { turn: Turn },
): Promise<State> {
  const { hook, kind, paramKind } = invocation;
  const param = await toParam(invocation.param, paramKind, request);
  const look = async (): Promise<Seen> => {
    const versioned = await toVersioned(request, kind);
    const { variables } = hook.compiled;
    const values = deps.values(request, versioned, param);
    return { versioned, activation: new Activation(values, { variables, turn: deps.turn }) };
  };
  const state = {
    current: await look(),
    async renew() {
      state.current = await look();
    },
  };
  return state;
}

function keyOf({ hook, binding, param }: Invocation): string {
  const { namespace = '', name = '' } = param?.metadata ?? {};
  return [hook.policy.metadata.name, binding.metadata.name, namespace, name].join('/');
}

type MutateInput = Seen & { readonly deps: InvokeDeps; readonly invocation: Invocation };
type Mutated = { readonly isChanged: boolean; readonly problem?: undefined } | { readonly problem: string };

async function mutate(mutation: CompiledMutation, request: AdmissionRequest, input: MutateInput): Promise<Mutated> {
  const { activation, versioned, deps, invocation } = input;
  const [policy, binding] = [invocation.hook.policy.metadata.name, invocation.binding.metadata.name];
  const startMs = deps.nowMs();
  const observe = (problem?: string) =>
    deps.meter({ policy, binding, seconds: (deps.nowMs() - startMs) / 1000, problem });
  try {
    const value = await evaluate(mutation, activation);
    const about = { request, versioned, overlay: deps.overlay, scheme: deps.scheme() };
    const isChanged = await applyMutation(value, mutation.isJsonPatch, about);
    observe();
    return { isChanged };
  } catch (error) {
    observe(error instanceof Error ? error.message : '');
    if (error instanceof MutationProblem || error instanceof OutOfBudget) return { problem: error.message };
    throw error;
  }
}

/** Every mutation has a budget of its own. */
async function evaluate({ compiled }: CompiledMutation, activation: Activation): Promise<unknown> {
  if (!compiled.program) throw new MutationProblem(compiled.problem);
  const outcome = await activation.evaluate(compiled, { left: cel.runtimeCostBudget });
  if (outcome.problem !== undefined) throw new MutationProblem(outcome.problem);
  return outcome.value;
}
