/**
 * Whether two JSON values are the same; the order of keys does not count. Walks with a list of its own, so that deep values (in parts of an
 * object that no schema describes) cannot exhaust the stack.
 */
export function jsonEqual(left: unknown, right: unknown): boolean {
  const open: unknown[] = [];
  if (differ(left, right, open)) return false;
  while (open.length > 0) {
    const b = open.pop();
    const a = open.pop();
    if (Array.isArray(a) || Array.isArray(b)) {
      if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
      for (let index = 0; index < a.length; index++) if (differ(a[index], b[index], open)) return false;
    } else if (membersDiffer(a as Fields, b as Fields, open)) return false;
  }
  return true;
}

type Fields = Record<string, unknown>;

/** True when two values are surely not the same; what has parts to be looked at is put on the list. */
function differ(a: unknown, b: unknown, open: unknown[]): boolean {
  if (a === b) return false;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return true;
  open.push(a, b);
  return false;
}

function membersDiffer(a: Fields, b: Fields, open: unknown[]): boolean {
  let count = 0;
  for (const key in a) {
    if (!Object.hasOwn(b, key) || differ(a[key], b[key], open)) return true;
    count++;
  }
  for (const _key in b) count--;
  return count !== 0;
}

/** A text that is the same for equal values and different for others: to find duplicates in linear time. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    const sorted: Fields = Object.create(null) as Fields;
    for (const key of Object.keys(part).sort()) sorted[key] = (part as Fields)[key];
    return sorted;
  });
}
