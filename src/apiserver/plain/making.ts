import type { Clock, Steps } from '#base';
import { createTurn, inTurns } from '#base';

/**
 * Values by name, made of a state that changes now and then, in steps and in as many turns of the event loop as it takes. One after the other, so that many at once
 * take no more of a turn than one; and each once for all who wait for it.
 */
export interface Making<State extends object, Value> {
  /** Of the state of now, or a newer one. At once when it is made already; rejects with what `make` throws, and then the next who asks has it tried anew. */
  get(name: string, make: (state: State) => Steps<Value>): Value | Promise<Value>;
}

interface Job<State, Value> extends PromiseWithResolvers<Value> {
  readonly name: string;
  readonly make: (state: State) => Steps<Value>;
  /** Undefined while it waits: it is begun with the state of then. */
  state: State | undefined;
}

/** Of a turn; what comes before and after it there, and steps that take longer, come on top. */
const maxMs = 5;

/** `current` is asked often: it gives the same object as long as nothing changes. */
export function createMaking<State extends object, Value>({
  clock,
  current,
}: {
  clock: Clock;
  current: () => State;
}): Making<State, Value> {
  const waiting: Job<State, Value>[] = [];
  const newest = new Map<string, Job<State, Value>>();
  let made: { state: State; values: Map<string, Value> } | undefined;
  let isBusy = false;
  const valuesOf = (state: State) => {
    if (made?.state !== state) made = { state, values: new Map() };
    return made.values;
  };
  const work = async (job: Job<State, Value>, turn: ReturnType<typeof createTurn>) => {
    try {
      const state = current();
      job.state = state;
      const value = valuesOf(state).get(job.name) ?? (await inTurns(turn, job.make(state)));
      // What has changed meanwhile is for those who asked since.
      if (made?.state === state) made.values.set(job.name, value);
      job.resolve(value);
    } catch (error) {
      job.reject(error);
    }
    if (newest.get(job.name) === job) newest.delete(job.name);
  };
  const workOff = async () => {
    isBusy = true;
    const turn = createTurn(clock, maxMs);
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      await work(job, turn);
      if (turn.isOver()) await turn.next();
    }
    isBusy = false;
  };
  return {
    get(name, make) {
      const state = current();
      const known = valuesOf(state).get(name);
      if (known !== undefined) return known;
      const before = newest.get(name);
      if (before && (!before.state || before.state === state)) return before.promise;
      const job = { ...Promise.withResolvers<Value>(), name, make, state: undefined };
      newest.set(name, job);
      waiting.push(job);
      if (!isBusy) void workOff();
      return job.promise;
    },
  };
}

/** Lets one through in a turn of the event loop: for answers that take a good part of a turn, and would otherwise all be begun when what they wait for is made. */
export function createTurnstile(): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(() => new Promise<void>(resolve => setImmediate(resolve)));
    return last;
  };
}
