import type { UnknownObject } from '#api';
import { parseJsonSteps } from '#api';
import { createTurn, inTurns } from '#base';
import { textInSteps } from '../storage/encode.ts';
import type { Item } from '../storage/item.ts';
import { copyJsonSteps } from '../storage/json-steps.ts';
import type { Target } from './target.ts';

/** Objects from this size on are treated piece by piece; whatever is done to a smaller one takes a few milliseconds. */
const largeBytes = 128 * 1024;
/** Then every step that is more than nothing is in a turn of its own. */
const maxMs = 3;

/** Notes how large the object of a request is: of its body, or of what is stored. */
export function noteSize({ core, exchange }: Pick<Target, 'core' | 'exchange'>, sizeBytes: number): void {
  if (sizeBytes >= largeBytes) exchange.turn ??= createTurn(core.clock, maxMs);
}

/** True for requests about a large object. */
export function isLarge({ exchange }: Pick<Target, 'exchange'>): boolean {
  return exchange.turn !== undefined;
}

/** A copy of a stored object that belongs to the caller. */
export async function copyOf({ exchange }: Pick<Target, 'exchange'>, item: Item): Promise<UnknownObject> {
  return exchange.turn ? item.copyInTurns(exchange.turn) : item.copy();
}

/** Makes the object of a large item quick to come by, for as long as somebody has what this resolves with. */
export function loadOf({ core, exchange }: Pick<Target, 'core' | 'exchange'>, item: Item): Promise<UnknownObject> {
  return item.load(exchange.turn ?? createTurn(core.clock));
}

/** A copy of what is shared. */
export async function copyOfLarge(
  { exchange }: Pick<Target, 'exchange'>,
  object: UnknownObject,
): Promise<UnknownObject> {
  return exchange.turn ? inTurns(exchange.turn, copyJsonSteps(object)) : structuredClone(object);
}

/** `JSON.parse` of what may be long for an object that is. */
export async function parseLarge({ exchange }: Pick<Target, 'exchange'>, text: string): Promise<unknown> {
  return exchange.turn ? inTurns(exchange.turn, parseJsonSteps(text)) : JSON.parse(text);
}

/** `JSON.stringify` of what may be a large object. */
export function textOf(target: Pick<Target, 'exchange'>, object: object): Promise<string> {
  return textInSteps(object, () => breathe(target));
}

/** Between two steps of a write: lets others go on if the object is large. */
export async function breathe({ exchange }: Pick<Target, 'exchange'>): Promise<void> {
  if (exchange.turn?.isOver()) await exchange.turn.next();
}
