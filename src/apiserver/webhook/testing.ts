import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** What a test's webhook was sent. */
export interface ReceivedCall {
  /** With the query. */
  readonly path: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into reviews of every kind.
  readonly body: any;
  readonly headers: IncomingMessage['headers'];
}

/** A webhook on loopback over TLS. */
export interface TestWebhook extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly received: readonly ReceivedCall[];
  /** Connections that were made. */
  connections(): number;
}

/** Answers with the JSON of what `answer` returns; a function that takes the response itself answers as it likes and returns undefined. */
export type Answer = (call: ReceivedCall, response: ServerResponse) => unknown;

/** Starts an HTTPS server on a free port of 127.0.0.1. Disposing cuts off everything. */
export async function startTestWebhook(tls: { cert: string; key: string }, answer: Answer): Promise<TestWebhook> {
  const received: ReceivedCall[] = [];
  let connections = 0;
  const server = createServer(tls, async (request, response) => {
    const call = { path: request.url ?? '', headers: request.headers, body: await json(request) };
    received.push(call);
    const value = await answer(call, response);
    if (value !== undefined) response.end(JSON.stringify(value));
  });
  server.on('secureConnection', () => void connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `https://127.0.0.1:${port}`,
    received,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
