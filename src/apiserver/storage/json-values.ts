/** Values as JSON has them: no cycles, no prototypes of their own. */

/** Deeper ones are left to the functions of the language, which need no stack. */
const maxDepth = 200;

/** A copy of what a JSON text said, which takes a third of the time of reading the text again; undefined when it is nested too deep. */
export function copyJson<T extends object>(value: T): T | undefined {
  try {
    return copyAt(value, 0) as T;
  } catch (error) {
    if (error === tooDeep) return undefined;
    throw error;
  }
}

const tooDeep = new Error('nested too deep');

function copyAt(value: object, depth: number): object {
  if (depth > maxDepth) throw tooDeep;
  if (Array.isArray(value)) {
    return value.map(member => (typeof member === 'object' && member !== null ? copyAt(member, depth + 1) : member));
  }
  // Spreading makes members of their own even of `__proto__`.
  const copy: Record<string, unknown> = { ...value };
  for (const name in copy) {
    const member = copy[name];
    if (typeof member === 'object' && member !== null) copy[name] = copyAt(member, depth + 1);
  }
  return copy;
}

/** Whether both say the same. False says nothing: what is nested too deep is not looked at, and a member that is undefined is one. */
export function isSameJson(a: unknown, b: unknown, depth = 0): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || depth > maxDepth) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((member, index) => isSameJson(member, b[index], depth + 1))
    );
  }
  let surplus = 0;
  for (const name in a) {
    if (!isSameJson((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name], depth + 1))
      return false;
    surplus++;
  }
  for (const _name in b) surplus--;
  return surplus === 0;
}
