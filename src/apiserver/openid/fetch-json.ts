import type { IncomingMessage } from 'node:http';
import type { Clock } from '#base';

const fetchMs = 10_000;
/** A list of keys has a few KiB. */
const maxBytes = 1024 * 1024;

/** GET of a small JSON object over TLS. Rejects for anything else: another status, no object, too long, too late. */
export async function fetchJson(
  url: string,
  { ca, clock }: { ca: string | undefined; clock: Clock },
): Promise<Record<string, unknown>> {
  const { request } = await import('node:https');
  const stop = new AbortController();
  using _timer = clock.timer(fetchMs, () => stop.abort(new Error(`${url}: no answer in time`)), { unref: true });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const call = request(url, { agent: false, signal: stop.signal, ...(ca !== undefined && { ca }) });
  call.on('response', resolve).on('error', reject).end();
  const response = await promise;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw new Error(`${url}: the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  if (response.statusCode !== 200) throw new Error(`${url}: status ${response.statusCode}`);
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString());
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${url}: is no JSON object`);
  return value as Record<string, unknown>;
}
