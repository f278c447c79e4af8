/** What is done with this many values takes some tenths of a millisecond at most. */
const fewValues = 500;

/** True for a value of JSON that has few others in it: what is done with it needs no steps. Looks at no more than that; text may be of any length. */
export function isSmall(value: unknown): boolean {
  return countDown(value, fewValues) > 0;
}

/** What is left of `budget` after the values inside, or nothing. */
function countDown(value: unknown, budget: number): number {
  if (typeof value !== 'object' || value === null || budget <= 1) return budget - 1;
  let left = budget - 1;
  for (const name in value) {
    left = countDown((value as Record<string, unknown>)[name], left);
    if (left <= 0) return 0;
  }
  return left;
}
