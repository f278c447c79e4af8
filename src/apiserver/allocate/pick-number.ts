import type { Random } from '#base';

/** Tries at random before a band is searched: enough while it is not nearly full. */
const randomTries = 16;

export interface NumberChoice {
  /** Numbers 0 to `size - 1`. */
  readonly size: number;
  /** So many at the beginning are handed out last: users choose there without meeting one that was handed out (KEP-3070, KEP-3668). */
  readonly staticBand: number;
  readonly random: Random;
  isTaken(number: number): boolean;
  /** How many can be taken at most: the search needs to go no further. */
  readonly taken: number;
}

/** A free number; undefined when there is none. */
export function pickNumber(choice: NumberChoice): number | undefined {
  const { size, staticBand } = choice;
  return pickIn(choice, staticBand, size) ?? pickIn(choice, 0, staticBand);
}

function pickIn({ random, isTaken, taken }: NumberChoice, from: number, to: number): number | undefined {
  const width = to - from;
  if (width <= 0) return undefined;
  const any = () => Math.floor(random.next() * width);
  for (let attempt = 0; attempt < randomTries; attempt++) {
    const number = from + any();
    if (!isTaken(number)) return number;
  }
  const start = any();
  for (let step = 0; step < Math.min(width, taken + 1); step++) {
    const number = from + ((start + step) % width);
    if (!isTaken(number)) return number;
  }
  return undefined;
}

/** Upstream's band sizes: a share of the range between a least and a most; small ranges have none. */
export function staticBandOf(size: number, options: { share: number; least: number; most: number }): number {
  if (size <= options.least) return 0;
  return Math.min(Math.max(options.least, Math.floor(size / options.share)), options.most);
}
