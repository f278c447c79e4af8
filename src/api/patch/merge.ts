type Fields = Record<string, unknown>;

/** Applies a merge patch (RFC 7386) and gives a new value; the target is not changed. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return Array.isArray(patch) ? structuredClone(patch) : patch;
  const result: Fields = isObject(target) ? { ...target } : {};
  for (const name in patch) mergeMember(result, name, { value: patch[name], merge: applyMergePatch });
  return result;
}

/** The same for a target that belongs to whoever patches it: its parts are changed and become parts of the result. */
export function mergePatchInto(target: unknown, patch: unknown): unknown {
  if (!isObject(patch) || !isObject(target)) return applyMergePatch(target, patch);
  for (const name in patch) mergeMember(target, name, { value: patch[name], merge: mergePatchInto });
  return target;
}

function mergeMember(
  result: Fields,
  name: string,
  { value, merge }: { value: unknown; merge: (target: unknown, patch: unknown) => unknown },
): void {
  if (value === null) {
    delete result[name];
    return;
  }
  // Scalars are most of what a long patch has. What is only inherited is nobody's to merge with.
  const before = Object.hasOwn(result, name) ? result[name] : undefined;
  const merged = typeof value === 'object' ? merge(before, value) : value;
  if (name !== '__proto__') result[name] = merged;
  else Object.defineProperty(result, name, { value: merged, enumerable: true, writable: true, configurable: true });
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
