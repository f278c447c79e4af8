import type { IncomingMessage, Server } from 'node:http';
import { createServer, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Peer, Response } from './http.ts';
import type { ServerContext } from './http-exchange.ts';
import { bodyLength, brokenHandler, isBodiless, StreamRequest, sendBody } from './http-exchange.ts';

/** Go's default for all headers of a request. */
const maxHeaderBytes = 1024 * 1024;
/** As upstream: idle connections are kept for a while. */
const keepAliveMs = 180_000;
/** How often slow heads are looked for. */
const checkMs = 10_000;

/** An HTTP/1.1 server without a port: sockets are given to it by `emit('connection')`. `peerOf` names who is at the other end of one. */
export function createHttp1Server(context: ServerContext, peerOf: (socket: Duplex) => Peer): Server {
  const server = createServer({
    maxHeaderSize: maxHeaderBytes,
    keepAliveTimeout: keepAliveMs,
    headersTimeout: context.limits.headMs,
    connectionsCheckingInterval: Math.min(checkMs, context.limits.headMs),
    // Watches and uploads through proxies may last; bodies are bounded by size, and slow ones by the handler.
    requestTimeout: 0,
  });
  // Watching over slow heads and idle connections begins with this event, which a server without a port never gets.
  server.emit('listening');
  server.on('request', (message, answer) => serve(message, answer, { context, peerOf }));
  server.on('upgrade', (message, socket, head) => serveUpgrade(message, { socket, head, context, peerOf }));
  return server;
}

type Serving = { context: ServerContext; peerOf: (socket: Duplex) => Peer };

function serve(message: IncomingMessage, answer: ServerResponse, { context, peerOf }: Serving): void {
  answer.on('error', ignoreError);
  const request = toRequest(message, answer, peerOf(message.socket), context);
  context.handler(request).then(
    response => respond(message, answer, response, context),
    error => respond(message, answer, brokenHandler(context, error), context),
  );
}

/** Requests with an Upgrade header come here with a bare socket; those that the handler does not upgrade get a plain answer and the socket ends. */
function serveUpgrade(message: IncomingMessage, parts: Serving & { socket: Duplex; head: Buffer }): void {
  const { socket, head, context, peerOf } = parts;
  socket.on('error', ignoreError);
  const answer = new ServerResponse(message);
  answer.shouldKeepAlive = false;
  const request = toRequest(message, socket, peerOf(socket), context);
  const plain = (response: Response) => {
    answer.assignSocket(socket as Socket);
    answer.on('finish', () => socket.end());
    respond(message, answer, response, context);
  };
  context.handler(request).then(
    response => {
      if (!response.upgrade) return plain(response);
      socket.write(formatHead(response));
      response.upgrade(socket, head);
    },
    error => plain(brokenHandler(context, error)),
  );
}

function toRequest(message: IncomingMessage, life: ServerResponse | Duplex, peer: Peer, context: ServerContext) {
  return new StreamRequest({
    method: message.method ?? 'GET',
    target: originForm(message.url ?? '/'),
    headers: message.headers as Readonly<Record<string, string | undefined>>,
    rawHeaders: message.rawHeaders,
    peer,
    readable: message,
    life,
    context,
  });
}

function respond(message: IncomingMessage, answer: ServerResponse, response: Response, context: ServerContext): void {
  if (answer.destroyed) return;
  if (response.upgrade) {
    // Only the 'upgrade' event hands a socket over: the client did not ask for one.
    respond(message, answer, { status: 400, headers: {}, body: Buffer.from('Upgrade header required\n') }, context);
    return;
  }
  const length = bodyLength(response.body);
  if (length !== undefined && response.headers['content-length'] === undefined)
    answer.setHeader('content-length', length);
  // A body that nobody read: the connection cannot be used again.
  if (!message.complete || context.stopping) answer.setHeader('connection', 'close');
  if (response.cookies) answer.setHeader('set-cookie', response.cookies);
  answer.writeHead(response.status, response.headers);
  if (isBodiless(message.method ?? '', response.status)) answer.end();
  else if (!message.complete && response.body instanceof Uint8Array) linger(message, answer, response.body, context);
  else {
    // A watch that has nothing to tell yet is open all the same: clients wait for the head before they go on.
    if (typeof response.body === 'function') answer.flushHeaders();
    sendBody(answer, response.body, context);
  }
}

/** Closing a connection on which data still comes in resets it, and the answer is lost: the rest is taken in for a moment first. */
function linger(message: IncomingMessage, answer: ServerResponse, body: Uint8Array, context: ServerContext): void {
  answer.write(body);
  message.resume();
  const end = () => {
    timer[Symbol.dispose]();
    answer.end();
  };
  const timer = context.clock.timer(context.limits.lingerMs, end, { unref: true });
  message.once('end', end);
  message.once('close', end);
}

function formatHead(response: Response): string {
  const cookies = (response.cookies ?? []).map(cookie => ['set-cookie', cookie]);
  const lines = [...Object.entries(response.headers), ...cookies].map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`;
}

/** Proxies may send `GET http://host/path`. */
function originForm(target: string): string {
  return target.startsWith('/') ? target : target.replace(/^\w+:\/\/[^/]*/, '') || '/';
}

function ignoreError(): void {
  // The peer left; the request's signal tells who needs to know.
}
