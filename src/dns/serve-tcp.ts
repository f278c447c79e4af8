import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '#base';
import { frame } from './exchange.ts';
import { headerBytes } from './message.ts';
import type { Listen, Listening } from './serve-udp.ts';

/** A connection on which nothing comes is closed (RFC 7766, section 6.2.3: some seconds). */
const idleMs = 10_000;
const maxConnections = 512;
/** Questions of one connection that may wait for their answers; beyond this it is not read further. */
const maxPending = 64;

/** Answers TCP on one address, many questions a connection, in the order in which answers are ready. Rejects when it cannot be bound. */
export async function serveTcp({ clock, ...listen }: Listen & { clock: Clock }): Promise<Listening> {
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serveConnection(socket, listen, clock);
  });
  server.maxConnections = maxConnections;
  await bind(server, listen);
  server.on('error', listen.onError);
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound ? bound.port : listen.port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function serveConnection(socket: Socket, { answer }: Listen, clock: Clock): void {
  let received: Buffer = Buffer.alloc(0);
  let pending = 0;
  let idle = clock.timer(idleMs, () => socket.destroy(), { unref: true });
  const restartIdle = () => {
    idle[Symbol.dispose]();
    idle = clock.timer(idleMs, () => socket.destroy(), { unref: true });
  };
  const reply = async (message: Buffer) => {
    pending++;
    const bytes = await answer(message, 'tcp');
    pending--;
    if (bytes && !socket.destroyed) socket.write(frame(bytes));
    if (pending < maxPending) socket.resume();
    if (socket.readableEnded && !pending) socket.end();
  };
  socket.on('data', chunk => {
    restartIdle();
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const length = received.readUInt16BE(0);
      // Whoever sends less than a header does not speak DNS.
      if (length < headerBytes) return void socket.destroy();
      void reply(Buffer.from(received.subarray(2, 2 + length)));
      received = received.subarray(2 + length);
    }
    if (pending >= maxPending) socket.pause();
  });
  // An asker that breaks off needs no answer.
  socket.on('error', () => socket.destroy());
  socket.on('end', () => {
    if (!pending) socket.end();
  });
  socket.on('close', () => idle[Symbol.dispose]());
}

function bind(server: Server, { address, port }: Listen): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, ipv6Only: address.includes(':') }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
