import { inTurns } from '#base';
import type { AdmissionRequest } from '../admission.ts';

/** Goes through work that is written in steps: at once, or for a large object in as many turns of the event loop as it takes. */
export async function inSteps<T>({ turn }: AdmissionRequest, work: Generator<void, T>): Promise<T> {
  if (turn) return inTurns(turn, work);
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** Between two steps: lets others go on if the object is large. */
export async function breathe({ turn }: AdmissionRequest): Promise<void> {
  if (turn?.isOver()) await turn.next();
}
