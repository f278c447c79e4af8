/** Upstream's --request-timeout: how long a request may take that is no watch and no stream. */
const longestMs = 60_000;

const unitsMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 0.000_001,
};

/** How long the client gives a request: its `timeout` parameter (a Go duration), but never more than a minute, which is also what it gets without one. */
export function requestTimeoutMs(query: URLSearchParams): number {
  const text = query.get('timeout') ?? '';
  if (!/^(\d+(\.\d+)?(h|ms|m|s|us|µs|ns))+$/.test(text)) return longestMs;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g)) {
    sum += Number(amount) * (unitsMs[unit ?? ''] ?? 0);
  }
  return sum > 0 ? Math.min(sum, longestMs) : longestMs;
}
