import { isTrue } from '#wire';

const people = ['curl', 'Wget', 'Mozilla/5.0'];

/** Whether a person looks at the answer: `?pretty=true`, or a tool of people (as upstream) when nothing is said. */
export function isPretty(query: URLSearchParams, userAgent: string | undefined): boolean {
  const asked = query.get('pretty');
  if (asked !== null) return isTrue(asked);
  return userAgent !== undefined && people.some(name => userAgent.startsWith(name));
}

/** What is in deeper levels is written at once. */
const steppedDepth = 8;

/** `prettyJson` in steps, for large values. */
export function* prettySteps(value: unknown, indent = '', depth = steppedDepth): Generator<void, string> {
  const isContainer = typeof value === 'object' && value !== null;
  if (!isContainer || depth === 0) return prettyJson(value)?.replaceAll('\n', `\n${indent}`) ?? 'null';
  const inner = `${indent}  `;
  const texts: string[] = [];
  // One after the other: all entries at once take tens of milliseconds if they are many.
  for (const name of Object.keys(value)) {
    const part = (value as Record<string, unknown>)[name];
    if (part === undefined && !Array.isArray(value)) continue;
    const text = yield* prettySteps(part, inner, depth - 1);
    texts.push(Array.isArray(value) ? text : `${JSON.stringify(name)}: ${text}`);
    yield;
  }
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return texts.length === 0 ? `${open}${close}` : `${open}\n${inner}${texts.join(`,\n${inner}`)}\n${indent}${close}`;
}

/** Upstream's indentation. */
export function prettyJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}
