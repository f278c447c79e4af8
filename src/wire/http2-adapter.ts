import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { constants, performServerHandshake } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Peer, Response } from './http.ts';
import type { ServerContext } from './http-exchange.ts';
import { bodyLength, brokenHandler, isBodiless, StreamRequest, sendBody } from './http-exchange.ts';

/** Go's default, which upstream's clients expect: past it they open another connection. */
const maxConcurrentStreams = 250;
/** A client that drops watches in bulk is no attacker; nghttp2's own limit (33 a second) would end its connection. */
const streamResets = { streamResetBurst: 20_000, streamResetRate: 2_000 };
/** Uploads need not wait for window updates up to this size. */
const windowBytes = 1024 * 1024;
/** Megabytes that one connection's frames may take inside nghttp2. */
const maxSessionMemory = 64;

/** Peers that leave make streams and sessions emit errors; the request's signal tells who needs to know. */
const ignoreError = () => undefined;

/** Serves HTTP/2 on a socket that has agreed on it. */
export function serveHttp2(socket: Duplex, peer: Peer, context: ServerContext): ServerHttp2Session {
  const session = performServerHandshake(socket, {
    maxSessionMemory,
    settings: { maxConcurrentStreams, initialWindowSize: windowBytes },
    ...streamResets,
  });
  session.on('error', ignoreError);
  session.on('stream', (stream, headers, _flags, rawHeaders) =>
    serveStream(stream, { headers, rawHeaders }, peer, context),
  );
  return session;
}

function serveStream(
  stream: ServerHttp2Stream,
  { headers, rawHeaders }: { headers: IncomingHttpHeaders; rawHeaders: readonly string[] },
  peer: Peer,
  context: ServerContext,
): void {
  stream.on('error', ignoreError);
  const method = headers[':method'] as string;
  const request = new StreamRequest({
    method,
    target: (headers[':path'] as string | undefined) ?? '/',
    headers: headers as Readonly<Record<string, string | undefined>>,
    rawHeaders,
    peer,
    readable: stream,
    life: stream,
    context,
  });
  context.handler(request).then(
    response => respond(stream, method, response, context),
    error => respond(stream, method, brokenHandler(context, error), context),
  );
}

function respond(stream: ServerHttp2Stream, method: string, response: Response, context: ServerContext): void {
  if (stream.destroyed) return;
  const { body } = response;
  const head: Record<string, string | number | string[]> = { ':status': response.status };
  if (response.cookies) head['set-cookie'] = [...response.cookies];
  for (const name in response.headers) head[name] = response.headers[name]!;
  const length = bodyLength(body);
  if (length !== undefined && head['content-length'] === undefined) head['content-length'] = length;
  if (length === 0 || isBodiless(method, response.status)) {
    stream.respond(head, { endStream: true });
  } else {
    stream.respond(head);
    sendBody(stream, body, context);
  }
  // A body that nobody reads would keep the stream open: tell the peer to stop sending it. Without one Node ends the stream by itself.
  if (!stream.readableEnded && !stream.endAfterHeaders) {
    stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
  }
}
