import type { Steps } from '#base';
import { atOnce, inTurns } from '#base';
import type { AdmissionRequest } from '../admission.ts';

/** Goes through work that is written in steps: at once, or for a large object in as many turns of the event loop as it takes. */
export async function inSteps<T>({ turn }: AdmissionRequest, work: Steps<T>): Promise<T> {
  return turn ? inTurns(turn, work) : atOnce(work);
}

/** Between two steps: lets others go on if the object is large. */
export async function breathe({ turn }: AdmissionRequest): Promise<void> {
  if (turn?.isOver()) await turn.next();
}
