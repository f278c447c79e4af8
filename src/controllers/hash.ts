const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * A short name for content: 32-bit FNV-1a over JSON with sorted keys, written as upstream writes its hashes (rand.SafeEncodeString of the decimal
 * number), so that it fits into labels and names. `collisionCount` gives other names when two contents meet. Missing members do not count.
 */
export function contentHash(content: unknown, collisionCount: number | undefined): string {
  let hash = 0x811c9dc5;
  const text = sortedJson(content) + (collisionCount === undefined ? '' : `#${collisionCount}`);
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return Array.from(String(hash), digit => safeAlphabet[digit.charCodeAt(0) % safeAlphabet.length]).join('');
}

function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, inner) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** Equal as the API stores it: order of keys and missing members do not matter. */
export function equalContent(one: unknown, other: unknown): boolean {
  return one === other || sortedJson(one) === sortedJson(other);
}
