import { isTrue } from '#wire';

const people = ['curl', 'Wget', 'Mozilla/5.0'];

/** Whether a person looks at the answer: `?pretty=true`, or a tool of people (as upstream) when nothing is said. */
export function isPretty(query: URLSearchParams, userAgent: string | undefined): boolean {
  const asked = query.get('pretty');
  if (asked !== null) return isTrue(asked);
  return userAgent !== undefined && people.some(name => userAgent.startsWith(name));
}

/** Upstream's indentation. */
export function prettyJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}
