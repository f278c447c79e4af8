import { jsonTextSteps, parseJsonSteps } from '#api';
import type { AdmissionRequest, Rounds } from '../../admission.ts';
import { isSameJsonSteps } from '../../storage/json-steps.ts';
import { inSteps } from '../steps.ts';

/**
 * Which webhooks, or policies, are called again in the second round: those with reinvocationPolicy IfNeeded that were called before somebody else changed the object.
 * Source: webhook/mutating/reinvocationcontext.go.
 */
export class Reinvocation {
  readonly #again = new Set<string>();
  readonly #called = new Set<string>();
  #last: string | undefined;

  /** The one of a request for a plugin, shared by its rounds. */
  static of({ memory }: Rounds, plugin = 'MutatingAdmissionWebhook'): Reinvocation {
    const known = memory.get(plugin) as Reinvocation | undefined;
    const reinvocation = known ?? new Reinvocation();
    memory.set(plugin, reinvocation);
    return reinvocation;
  }

  /** At the beginning of the second round: other plugins may have changed the object since the last webhook. */
  async begin(request: AdmissionRequest): Promise<void> {
    if (this.#last === undefined) return;
    const last = await inSteps(request, parseJsonSteps(this.#last));
    if (!(await inSteps(request, isSameJsonSteps(last, request.object ?? null)))) this.changed();
  }

  /** At the end of a round. Whether the object changes afterwards matters only to those who want to be called again. */
  async end(request: AdmissionRequest): Promise<void> {
    this.#last = this.#called.size > 0 ? await inSteps(request, jsonTextSteps(request.object ?? null)) : undefined;
  }

  /** Somebody changed the object: who was called before has to see it. */
  changed(): void {
    for (const id of this.#called) this.#again.add(id);
    this.#called.clear();
  }

  called(id: string): void {
    this.#called.add(id);
  }

  isDue(id: string): boolean {
    return this.#again.has(id);
  }
}
