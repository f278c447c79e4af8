import { CelError, Fault } from './errors.ts';

/** A value that is made at its first use. */
export class LazyValue {
  readonly #make: () => unknown;
  #made = false;
  #value: unknown;

  constructor(make: () => unknown) {
    this.#make = make;
  }

  /** The value, made once; a `CelError` of its making becomes a fault of the expression that asked. */
  get(): unknown {
    if (this.#made) return this.#value;
    try {
      this.#value = this.#make();
    } catch (error) {
      if (error instanceof CelError) throw new Fault(error.message, error.code === 'costExceeded');
      throw error;
    }
    this.#made = true;
    return this.#value;
  }
}

/** A variable, or a member of one, that is computed when an expression asks for it, at most once (policies' `variables.x`). */
export function lazyValue(make: () => unknown): LazyValue {
  return new LazyValue(make);
}
