import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { RawRequest, RawResponse } from './client.ts';
import { ClientError } from './errors.ts';

/** One protocol's way of making requests to one server. */
export interface Exchange {
  /** Rejects with the signal's reason, a ClientError, or the connection's own error. */
  send(request: RawRequest): Promise<RawResponse>;
  /** Cuts off what is open. */
  close(): void;
}

export interface Http1Options {
  url: URL;
  tls: { host: string; port: number; servername: string; rejectUnauthorized: boolean };
}

/** HTTP/1.1 with kept-alive connections, one request at a time on each. */
export function createHttp1Exchange({ url, tls }: Http1Options): Exchange {
  const agent = new Agent({ keepAlive: true, ...tls });
  const once = ({ method, path, headers, body, signal }: RawRequest) =>
    new Promise<RawResponse>((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const options = { ...tls, agent, method, path, headers: { host: url.host, ...headers, ...length } };
      const request = httpsRequest(options, response => {
        const answer = { status: response.statusCode ?? 0, headers: flatten(response.headers) };
        resolve({ ...answer, body: bodyOf(response, signal) });
      });
      const abort = () => request.destroy(signal?.reason);
      signal?.addEventListener('abort', abort, { once: true });
      request.on('error', error => reject(Object.assign(error, { reused: request.reusedSocket })));
      request.on('close', () => signal?.removeEventListener('abort', abort));
      request.end(body);
    });
  return {
    async send(request) {
      try {
        return await once(request);
      } catch (error) {
        // The server may close a kept connection just as it is used again; reading twice harms nothing.
        const stale = (error as { reused?: boolean }).reused && (error as { code?: string }).code === 'ECONNRESET';
        if (stale && request.method === 'GET') return once(request);
        throw error;
      }
    },
    close: () => agent.destroy(),
  };
}

/** One value a name, as RawResponse has it. */
export function flatten(headers: IncomingHttpHeaders): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(':') && value !== undefined) result[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return result;
}

/** The body; a cut becomes ClientError `unreachable`, an abort the signal's reason. Leaving the loop early closes the stream. */
export async function* bodyOf(stream: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw new ClientError('unreachable', `the answer was cut off: ${(cause as Error).message}`, { cause });
  }
}
