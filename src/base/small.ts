/** What is done with this many values takes some tenths of a millisecond at most. */
const fewValues = 500;
/** Deeper ones are not small, however few they are: what is done with them may need more of the stack than there is. */
const maxDepth = 500;

/**
 * True for a value of JSON that has no more than `most` others in it: by default so few that what is done with it needs no steps. Looks at no more than that many; text
 * may be of any length.
 */
export function isSmall(value: unknown, most = fewValues): boolean {
  return countDown(value, most, 0) > 0;
}

/** What is left of `budget` after the values inside, or nothing. */
function countDown(value: unknown, budget: number, depth: number): number {
  if (typeof value !== 'object' || value === null) return budget - 1;
  if (depth === maxDepth) return 0;
  let left = budget - 1;
  if (Array.isArray(value)) {
    // Never by name: for that the names of all items would be made first.
    for (let index = 0; index < value.length && left > 0; index++) left = countDown(value[index], left, depth + 1);
    return left;
  }
  for (const name in value) {
    if (left <= 0) return 0;
    left = countDown((value as Record<string, unknown>)[name], left, depth + 1);
  }
  return left;
}
