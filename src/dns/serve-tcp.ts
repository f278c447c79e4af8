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
  const server = createServer({ allowHalfOpen: true }, socket => {
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
  let hasEnded = false;
  const startIdle = () => clock.timer(idleMs, () => socket.destroy(), { unref: true });
  let idle = startIdle();
  const reply = async (message: Buffer) => {
    pending++;
    const bytes = await answer(message, 'tcp');
    pending--;
    if (bytes && !socket.destroyed) socket.write(frame(bytes));
    pump();
  };
  /** Takes as many questions as may wait, and reads on only when none is left over. */
  const pump = () => {
    while (pending < maxPending && !socket.writableNeedDrain && isWhole(received)) {
      const end = 2 + received.readUInt16BE(0);
      // Whoever sends less than a header does not speak DNS.
      if (end < 2 + headerBytes) return void socket.destroy();
      void reply(Buffer.from(received.subarray(2, end)));
      received = received.subarray(end);
    }
    if (isWhole(received)) socket.pause();
    else if (hasEnded && !pending) socket.end();
    else socket.resume();
  };
  socket.on('data', chunk => {
    idle[Symbol.dispose]();
    idle = startIdle();
    received = Buffer.concat([received, chunk]);
    pump();
  });
  socket.on('drain', pump);
  // An asker that breaks off needs no answer.
  socket.on('error', () => socket.destroy());
  socket.on('end', () => {
    hasEnded = true;
    pump();
  });
  socket.on('close', () => idle[Symbol.dispose]());
}

function isWhole(received: Buffer): boolean {
  return received.length >= 2 && received.length >= 2 + received.readUInt16BE(0);
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
