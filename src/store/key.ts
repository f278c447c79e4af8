/** Throws RangeError for a key that no backend could keep: empty, with NUL, or with half a surrogate pair (not UTF-8). */
export function checkKey(key: string): void {
  if (key === '' || key.includes('\0') || !key.isWellFormed()) {
    throw new RangeError(`${JSON.stringify(key)} cannot be a key: it must be non-empty Unicode text without NUL`);
  }
}

/**
 * The first string in bytewise (UTF-8) order that sorts after every key with this prefix; undefined when there is none.
 * Incrementing the last code point is incrementing the last bytes, because UTF-8 keeps code point order.
 */
export function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0)!;
    if (point === 0x10ffff) continue;
    // Surrogates are no code points of their own; the next one after D7FF is E000.
    return points.join('') + String.fromCodePoint(point === 0xd7ff ? 0xe000 : point + 1);
  }
  return undefined;
}

/** Bytewise order of the UTF-8 forms: negative, zero or positive. JavaScript's own `<` differs where surrogates meet U+E000 to U+FFFF. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Moves surrogates (which stand for U+10000 and above) behind the rest of the basic plane. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Everything up to and with the last '/': the folder that a key stands in; '' when it has none. */
export function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}
