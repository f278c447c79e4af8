import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Upstream } from './resolv-conf.ts';

/** One question to one server. */
export interface Exchange {
  upstream: Upstream;
  request: Buffer;
  /** Whether a message that came answers the request; others are passed over, for anybody may send to a UDP port. */
  isAnswer(message: Buffer): boolean;
  /** Ends the wait; the exchange then rejects with its reason. */
  signal: AbortSignal;
}

/** Asks by UDP from a port of the kernel's choice, a new one each time, and takes messages from the asked address only. Rejects when the port is closed. */
export function exchangeUdp({ upstream, request, isAnswer, signal }: Exchange): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = createSocket(upstream.address.includes(':') ? 'udp6' : 'udp4');
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  socket.on('error', reject);
  socket.on('message', message => {
    if (isAnswer(message)) resolve(message);
  });
  // Connected, so that the kernel drops what others send and tells of a closed port.
  socket.connect(upstream.port, upstream.address, () => {
    socket.send(request, error => {
      if (error) reject(error);
    });
  });
  return promise.finally(() => {
    signal.removeEventListener('abort', abort);
    closeQuietly(() => socket.close());
  });
}

/** Asks by TCP: one connection, one question. */
export function exchangeTcp({ upstream, request, isAnswer, signal }: Exchange): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = connect(upstream.port, upstream.address);
  let received = Buffer.alloc(0);
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('the name server closed the connection')));
  socket.on('data', chunk => {
    received = Buffer.concat([received, chunk]);
    if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
    const message = received.subarray(2, 2 + received.readUInt16BE(0));
    if (isAnswer(message)) resolve(message);
    else reject(new Error('the name server answered another question'));
  });
  socket.write(frame(request));
  return promise.finally(() => {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  });
}

/** A message as TCP carries it: its length before it. */
export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

function closeQuietly(close: () => void): void {
  try {
    close();
  } catch {
    // A socket that failed to bind is closed already, and says so by throwing.
  }
}
