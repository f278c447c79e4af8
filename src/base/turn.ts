import type { Clock } from './clock.ts';

/** What a piece of work may take of one turn of the event loop before it lets others go on: others wait for a few such pieces at most. */
const defaultTurnMs = 10;

/** The share of one long piece of work in a turn of the event loop: `if (turn.isOver()) await turn.next();` between its steps. */
export interface Turn {
  /** Cheap enough for every few microseconds of work. */
  isOver(): boolean;
  /** Resolves in a later turn, when all that has arrived meanwhile had its own. */
  next(): Promise<void>;
}

/** Begins now. */
export function createTurn({ monotonicMs }: Pick<Clock, 'monotonicMs'>, maxMs = defaultTurnMs): Turn {
  let endMs = monotonicMs() + maxMs;
  return {
    isOver: () => monotonicMs() >= endMs,
    async next() {
      await new Promise<void>(resolve => setImmediate(resolve));
      endMs = monotonicMs() + maxMs;
    },
  };
}

/** Work that may be left between its steps; what it returns is what comes of it. */
export type Steps<T> = Generator<unknown, T>;

/** Goes through work that is written as a generator, step by step, in as many turns as it takes. Rejects with what the work throws. */
export async function inTurns<T>(turn: Turn, work: Steps<T>): Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    if (turn.isOver()) await turn.next();
  }
}

/** The same in one piece, for what is known to be short. */
export function atOnce<T>(work: Steps<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
