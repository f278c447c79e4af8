import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

/** What a backend was sent; `body` is read whole before `answer` is called. */
export interface BackendRequest {
  readonly method: string;
  /** With the query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  /** As they came: several of one name stay several. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
  /** Common name of the client's certificate, and whether our authority signed it. */
  readonly client: { readonly name: string | undefined; readonly isTrusted: boolean };
}

/** An extension API server on loopback. */
export interface TestBackend extends AsyncDisposable {
  readonly port: number;
  readonly requests: readonly BackendRequest[];
  /** Takes over connections that ask for another protocol. */
  onUpgrade?: (request: IncomingMessage, socket: Duplex) => void;
}

/** Answers by itself or gives what is sent as JSON; undefined for paths that it does not know: 404. */
export type BackendAnswer = (request: BackendRequest, response: ServerResponse) => unknown;

/** Marks that an answer was or will be written by `answer` itself. */
export const handled = Symbol('handled');

export async function startTestBackend(
  tls: { cert: string; key: string; ca: string },
  answer: BackendAnswer,
): Promise<TestBackend> {
  const requests: BackendRequest[] = [];
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method = '', url = '', headers, rawHeaders } = request;
    const socket = request.socket as import('node:tls').TLSSocket;
    const name = [socket.getPeerCertificate().subject?.CN].flat()[0];
    const client = { name, isTrusted: socket.authorized };
    const received = { method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString(), client };
    requests.push(received);
    const value = await answer(received, response);
    if (value === handled) return;
    if (value === undefined) response.writeHead(404).end();
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
  });
  const backend: TestBackend = {
    port: 0,
    requests,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  server.on('upgrade', (request, socket) => backend.onUpgrade?.(request, socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(backend, { port: (server.address() as AddressInfo).port });
}
