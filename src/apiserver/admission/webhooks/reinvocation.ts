import { isDeepStrictEqual } from 'node:util';
import type { UnknownObject } from '#api';
import type { Rounds } from '../../admission.ts';

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
  begin(object: UnknownObject | undefined): void {
    if (this.#last !== undefined && !isDeepStrictEqual(JSON.parse(this.#last), plain(object))) this.changed();
  }

  /** At the end of a round. */
  end(object: UnknownObject | undefined): void {
    this.#last = JSON.stringify(object ?? null);
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

function plain(object: UnknownObject | undefined): unknown {
  return JSON.parse(JSON.stringify(object ?? null));
}
