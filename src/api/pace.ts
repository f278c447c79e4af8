/** A judgement takes longer than the turn of the event loop allows: it has to be made elsewhere, from the beginning. Never an answer to a client. */
export class TooLong extends Error {
  override readonly name = 'TooLong';
  constructor() {
    super('this takes longer than a turn of the event loop may');
  }
}

/** How long a judgement may go on: whoever does what a client's input can make long asks now and then. */
export interface Pace {
  /** Throws TooLong when the time is over, or when what is to be done next may take too long at worst (`worstMs`, on the slowest input of its size). */
  check(worstMs?: number): void;
}

/** Together with what comes before and after it in the same turn well below 50 ms. */
const defaultMs = 12;
/** One step that cannot be interrupted may take this much beyond. */
const longestStepMs = 15;

/** Begins now. */
export function createPace(monotonicMs: () => number, maxMs = defaultMs): Pace {
  const endMs = monotonicMs() + maxMs;
  return {
    check(worstMs = 0) {
      if (worstMs > longestStepMs || monotonicMs() > endMs) throw new TooLong();
    },
  };
}
