/** Leaves out members that are 0 or empty text, as upstream's encoding does (omitempty), but those in `kept`. */
export function omitZero<T extends object>(object: T, kept: readonly (keyof T)[] = []): T {
  const isKept = ([key, value]: [string, unknown]) => (value !== 0 && value !== '') || kept.includes(key as keyof T);
  return Object.fromEntries(Object.entries(object).filter(isKept)) as T;
}
