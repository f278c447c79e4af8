import type { Server as Http1Server } from 'node:http';
import type { ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { createServer as createTlsServer } from 'node:tls';
import type { Clock, Log, Running } from '#base';
import type { Handler, Peer } from './http.ts';
import type { ServerContext } from './http-exchange.ts';
import { serveHttp2 } from './http2-adapter.ts';

export interface TlsFiles {
  /** PEM: the certificate and what leads to its authority. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** PEM of the authorities that sign client certificates; their names are sent so that clients can choose. */
  readonly ca: string | Buffer;
}

export interface HttpServerLimits {
  /** A peer with more than this waiting for it is cut off. Default 16 MiB. */
  readonly maxBufferedBytes?: number;
  /** A peer that takes nothing for this long while there is more to send is cut off. Default 60 s. */
  readonly stallMs?: number;
  /** A peer whose head of a request is not complete after this is cut off, soon afterwards. HTTP/1.1 only. Default 32 s, as upstream. */
  readonly headMs?: number;
  /** A peer whose body is not complete after this is answered so, and cut off. Default 60 s, upstream's time for a request. */
  readonly bodyMs?: number;
  /** How long the rest of a body that nobody wants is taken in, so that its sender gets to read the answer. Default 0.5 s. */
  readonly lingerMs?: number;
  /** How long requests under way may take after the server was told to stop. Default 5 s. */
  readonly drainMs?: number;
}

export interface HttpServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Undefined: plain HTTP/1.1. */
  readonly tls: TlsFiles | undefined;
  readonly handler: Handler;
  readonly log: Log;
  readonly clock: Clock;
  /** Called for connections that fail before a request (a refused handshake, no HTTP). */
  onConnectionError?(error: Error, address: string | undefined): void;
  readonly limits?: HttpServerLimits | undefined;
}

export interface HttpServer extends Running {
  readonly port: number;
  readonly url: string;
  /** From now on new connections see these certificates. */
  setTls(tls: TlsFiles): void;
}

const defaultLimits = {
  maxBufferedBytes: 16 * 1024 * 1024,
  stallMs: 60_000,
  headMs: 32_000,
  bodyMs: 60_000,
  lingerMs: 500,
  drainMs: 5_000,
};
const handshakeMs = 10_000;
const keepAliveMs = 30_000;
/** Connections that the kernel may hold ready. */
const backlog = 1024;

/**
 * One port that speaks HTTP/2 and HTTP/1.1 (by ALPN) over TLS, and asks for client certificates without demanding them. Disposing tells requests under way
 * through their signal, waits for their answers, and closes everything. Rejects when the port cannot be taken.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const limits = { ...defaultLimits, ...options.limits };
  const { handler, log, clock } = options;
  const peerLeft = new Error('the peer left');
  const context: ServerContext = { handler, log, clock, limits, open: new Set(), peerLeft, stopping: false };
  const connections = new Connections(context, options.onConnectionError);
  const { tls } = options;
  const server = tls
    ? createTlsServer({ ...tlsOptions(tls), ALPNProtocols: ['h2', 'http/1.1'], handshakeTimeout: handshakeMs })
    : createTcpServer();
  server.on(tls ? 'secureConnection' : 'connection', socket => connections.accept(socket));
  server.on('tlsClientError', (error: Error, socket: Socket) => {
    options.onConnectionError?.(error, socket.remoteAddress);
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port, backlog }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  let stopped: Promise<void> | undefined;
  return {
    port,
    url: `${tls ? 'https' : 'http'}://${host}:${port}`,
    ready: () => undefined,
    setTls(files) {
      if ('setSecureContext' in server) server.setSecureContext(tlsOptions(files));
    },
    [Symbol.asyncDispose]() {
      stopped ??= new Promise<void>(resolve => {
        server.close(() => resolve());
        connections.drain(limits.drainMs);
      });
      return stopped;
    },
  };
}

function tlsOptions(tls: TlsFiles) {
  return { ...tls, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' } as const;
}

const badHead = 'HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n';
const slowHead = 'HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n';

/** The open connections of one server. */
class Connections {
  readonly #context: ServerContext;
  readonly #sockets = new Map<Duplex, Peer>();
  readonly #sessions = new Set<ServerHttp2Session>();
  /** Made for the first connection that is not HTTP/2: loading `node:http` is a tenth of a server's start. */
  #http1: Promise<Http1Server> | undefined;
  readonly #onError: HttpServerOptions['onConnectionError'];

  constructor(context: ServerContext, onError: HttpServerOptions['onConnectionError']) {
    this.#context = context;
    this.#onError = onError;
  }

  accept(socket: Socket): void {
    const peer = peerOf(socket);
    this.#sockets.set(socket, peer);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    socket.on('error', error => this.#onError?.(error, peer.address));
    socket.once('close', () => this.#sockets.delete(socket));
    if ((socket as TLSSocket).alpnProtocol !== 'h2') {
      void this.#serveHttp1(socket);
      return;
    }
    const session = serveHttp2(socket, peer, this.#context);
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
  }

  async #serveHttp1(socket: Socket): Promise<void> {
    this.#http1 ??= this.#openHttp1();
    const http1 = await this.#http1;
    if (!socket.destroyed) http1.emit('connection', socket);
  }

  async #openHttp1(): Promise<Http1Server> {
    const { createHttp1Server } = await import('./http1-adapter.ts');
    const http1 = createHttp1Server(this.#context, socket => this.#sockets.get(socket) ?? { address: '' });
    http1.on('clientError', (error, socket) => {
      this.#onError?.(error, (socket as Socket).remoteAddress);
      const isSlow = (error as NodeJS.ErrnoException).code === 'ERR_HTTP_REQUEST_TIMEOUT';
      if (socket.writable) socket.end(isSlow ? slowHead : badHead);
      else socket.destroy();
    });
    return http1;
  }

  /** Idle connections end now, the others after their answers, all after `drainMs`. */
  drain(drainMs: number): void {
    this.#context.stopping = true;
    for (const controller of this.#context.open) controller.abort(new Error('the server stops'));
    this.#context.open.clear();
    for (const session of this.#sessions) session.close();
    void this.#http1?.then(http1 => http1.close());
    const cut = this.#context.clock.timer(drainMs, () => this.#cut(), { unref: false });
    const check = () => {
      if (this.#sockets.size > 0) return;
      cut[Symbol.dispose]();
    };
    for (const socket of this.#sockets.keys()) socket.once('close', check);
    check();
  }

  #cut(): void {
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#sockets.keys()) socket.destroy();
  }
}

function peerOf(socket: Socket): Peer {
  const address = socket.remoteAddress ?? '';
  if (!('getPeerCertificate' in socket)) return { address };
  const certificate = (socket as TLSSocket).getPeerCertificate(true);
  return certificate?.raw ? { address, certificate } : { address };
}
