import type { ValidatingAdmissionPolicyBinding as Binding, ValidatingAdmissionPolicy as Policy } from '#api';
import { resources } from '#api';
import type { Turn } from '#base';
import { createTurn } from '#base';
import { StatusError } from '../../access/refuse.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../../admission.ts';
import type { ConditionMeters } from '../condition-meters.ts';
import { refuse } from '../request.ts';
import { isExempt } from '../webhooks/match.ts';
import { toVersioned } from '../webhooks/review.ts';
import { type CompiledValidatingPolicy, compileValidatingPolicy } from './compile.ts';
import { type Decision, type Judgement, judge } from './judge.ts';
import type { ValidatingMeter } from './meters.ts';
import { type ParamDeps, toParam } from './params.ts';
import type { RequestValues } from './request-values.ts';
import { type Matched, type Resolved, resolvePolicies } from './resolve.ts';
import { createPolicySource, type PolicyHook } from './source.ts';

export interface ValidatingDeps extends ParamDeps {
  readonly values: RequestValues;
  readonly conditionMeters: ConditionMeters;
  readonly meter: ValidatingMeter;
  /** Monotonic. */
  nowMs(): number;
}

type Hook = PolicyHook<Policy, Binding, CompiledValidatingPolicy>;

const failureKey = 'validation.policy.admission.k8s.io/validation_failure';
/** Upstream's limit of an annotation. */
const maxAnnotationBytes = 10 * 1024;

/** ValidatingAdmissionPolicy: all policies judge the object as it will be stored; the first refusal is the answer. */
export function createValidatingPolicies(deps: ValidatingDeps): AdmissionPlugin & Disposable {
  const source = createPolicySource({
    reader: deps.reader,
    policies: resources.validatingadmissionpolicies,
    bindings: resources.validatingadmissionpolicybindings,
    compile: compileValidatingPolicy,
  });
  return {
    name: 'ValidatingAdmissionPolicy',
    validate(request) {
      const hooks = source.hooks();
      if (hooks.length === 0 || isExempt(request)) return undefined;
      const resolved = resolvePolicies(hooks, request, deps);
      return resolved.length === 0 ? undefined : new Verdict(request, deps).reach(resolved);
    },
    [Symbol.dispose]: () => source[Symbol.dispose](),
  };
}

interface Denial {
  readonly policy: string;
  readonly binding: string | undefined;
  readonly message: string;
  readonly reason?: string | undefined;
}

/** What policies have to say about one request. */
class Verdict {
  readonly #request: AdmissionRequest;
  readonly #deps: ValidatingDeps;
  readonly #turn: Turn;
  readonly #denials: Denial[] = [];
  /** Values for the audit event, by key; several when bindings or parameters make a difference. */
  readonly #annotations = new Map<string, Set<string>>();

  constructor(request: AdmissionRequest, deps: ValidatingDeps) {
    this.#request = request;
    this.#deps = deps;
    this.#turn = createTurn({ monotonicMs: deps.nowMs });
  }

  /** Rejects with a Status when something was denied. */
  async reach(resolved: readonly Resolved<Hook>[]): Promise<void> {
    for (const one of resolved) {
      const { hook, binding, problem } = one;
      const { metadata, spec } = hook.policy;
      if (problem === undefined) await this.#ask(one);
      else if (spec.failurePolicy !== 'Ignore')
        this.#denials.push({ policy: metadata.name, binding: binding?.metadata.name, message: problem });
    }
    for (const [key, values] of this.#annotations) this.#request.annotate?.(key, [...values].join(', '));
    const [first] = this.#denials;
    if (first) throw refusalOf(this.#request, first);
  }

  async #ask({ hook, binding, kind, paramKind, params }: Matched<Hook>): Promise<void> {
    const { policy, compiled } = hook;
    const versioned = await toVersioned(this.#request, kind);
    for (const stored of params) {
      const param = await toParam(stored, paramKind, this.#request);
      const judgement = await judge(compiled, {
        values: this.#deps.values(this.#request, versioned, param),
        failurePolicy: policy.spec.failurePolicy,
        call: { name: policy.metadata.name, type: 'validate', operation: this.#request.operation },
        meters: this.#deps.conditionMeters,
        turn: this.#turn,
        nowMs: this.#deps.nowMs,
      });
      this.#take(judgement, policy, binding);
    }
  }

  #take({ decisions, annotations }: Judgement, policy: Policy, binding: Binding): void {
    for (const [index, decision] of decisions.entries()) this.#enforce(decision, index, { policy, binding });
    const { name } = policy.metadata;
    for (const { key, ...annotation } of annotations) {
      if (annotation.problem === undefined) this.#annotate(`${name}/${key}`, annotation.value);
      else {
        const { problem } = annotation;
        this.#denials.push({ policy: name, binding: binding.metadata.name, message: problem });
        this.#deps.meter({ policy: name, binding: binding.metadata.name, seconds: 0, problem }, 'deny');
      }
    }
  }

  #annotate(key: string, value: string): void {
    const values = this.#annotations.get(key) ?? new Set();
    values.add(Buffer.from(value).subarray(0, maxAnnotationBytes).toString());
    this.#annotations.set(key, values);
  }

  #enforce(decision: Decision, expressionIndex: number, about: { policy: Policy; binding: Binding }): void {
    const [policy, binding] = [about.policy.metadata.name, about.binding.metadata.name];
    const { isDenied, isProblem, message, reason, seconds } = decision;
    const check = { policy, binding, seconds, problem: isDenied || isProblem ? message : undefined };
    if (!isDenied) {
      if (isProblem) this.#deps.meter(check, 'allow');
      return;
    }
    const { validationActions } = about.binding.spec;
    for (const action of validationActions) {
      if (action === 'Deny') {
        this.#denials.push({ policy, binding, message, reason });
        this.#deps.meter(check, 'deny');
      } else if (action === 'Warn') {
        const head = `Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${binding}'`;
        this.#request.warn(`${head}: ${message}`);
        this.#deps.meter(check, 'warn');
      } else if (action === 'Audit') {
        const failure = { message, policy, binding, expressionIndex, validationActions };
        this.#request.annotate?.(failureKey, JSON.stringify([failure]));
        this.#deps.meter(check, 'audit');
      }
    }
  }
}

const codes: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413 };

/** Worded as any refusal of admission, but with the reason and the code that the policy gives. */
function refusalOf(request: AdmissionRequest, { policy, binding, message, reason = 'Invalid' }: Denial): StatusError {
  const who = binding === undefined ? `'${policy}'` : `'${policy}' with binding '${binding}'`;
  const text = `ValidatingAdmissionPolicy ${who} denied request: ${message}`;
  const { status } = refuse(request, text);
  const details = status['details'] as Record<string, unknown> | undefined;
  return new StatusError({
    code: codes[reason] ?? 422,
    reason,
    message: status.message,
    details: { ...details, causes: [{ message: text }] },
  });
}
