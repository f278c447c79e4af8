/** Reads `1,3-5,7`; anything else in the text is left out. Only indexes below `completions`. */
export function parseIndexes(text: string | undefined, completions: number): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',')) {
    const range = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (!range) continue;
    const last = Math.min(Number(range[2] ?? range[1]), completions - 1);
    for (let index = Number(range[1]); index <= last; index++) indexes.add(index);
  }
  return indexes;
}

/** Writes indexes in upstream's compressed form: two in a row with a comma, more with a dash. */
export function formatIndexes(indexes: Iterable<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let at = 0; at < sorted.length; ) {
    let end = at;
    while (sorted[end + 1] === sorted[end]! + 1) end++;
    if (end === at) parts.push(`${sorted[at]}`);
    else parts.push(end === at + 1 ? `${sorted[at]},${sorted[end]}` : `${sorted[at]}-${sorted[end]}`);
    at = end + 1;
  }
  return parts.join(',');
}
