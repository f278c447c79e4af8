import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { Receiver, Sender } from 'ws';

/** The server half of one WebSocket connection, after the handshake. */
export interface WebSocketConnection {
  /** Sends one message (binary unless told). Returns false when the socket is full: then wait for its `drain`. */
  send(message: Uint8Array, options?: { text?: boolean }): boolean;
  /** Sends a close frame and ends the socket. */
  close(code: number, reason?: string): void;
}

export interface WebSocketEvents {
  onMessage(message: Buffer, isText: boolean): void;
  /** The peer closed, vanished, or broke the protocol. Called once. */
  onClose(): void;
}

/** Messages larger than this end the connection. */
const maxMessageBytes = 16 * 1024 * 1024;
const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** True for a request that wants to become a WebSocket. */
export function isWebSocketRequest(headers: Readonly<Record<string, string | undefined>>): boolean {
  return headers['upgrade']?.toLowerCase() === 'websocket' && headers['sec-websocket-key'] !== undefined;
}

/** The subprotocols that the client offers, in its order. */
export function offeredProtocols(headers: Readonly<Record<string, string | undefined>>): string[] {
  return (headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '');
}

/** Headers of the 101 answer (RFC 6455, 4.2.2). */
export function webSocketAnswer(
  headers: Readonly<Record<string, string | undefined>>,
  protocol: string | undefined,
): Record<string, string> {
  const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${magic}`).digest('base64');
  return {
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-accept': accept,
    ...(protocol === undefined ? {} : { 'sec-websocket-protocol': protocol }),
  };
}

/** Speaks WebSocket on a socket whose handshake is done. */
export function openWebSocket(socket: Duplex, head: Uint8Array, events: WebSocketEvents): WebSocketConnection {
  const sender = new Sender(socket);
  const receiver = new Receiver({ isServer: true, maxPayload: maxMessageBytes, binaryType: 'nodebuffer' });
  let isOver = false;
  const finish = () => {
    if (isOver) return;
    isOver = true;
    events.onClose();
  };
  const close = (code: number, reason = '') => {
    if (!socket.writable) return;
    // Control frames carry at most 125 bytes.
    sender.close(code, Buffer.from(reason).subarray(0, 120), false, () => void socket.end());
  };
  receiver.on('message', (message: Buffer, isBinary: boolean) => events.onMessage(message, !isBinary));
  receiver.on('ping', (payload: Buffer) => sender.pong(payload, false, () => undefined));
  receiver.on('conclude', () => {
    close(1000);
    finish();
  });
  receiver.on('error', () => {
    socket.destroy();
    finish();
  });
  socket.on('error', finish);
  socket.on('close', finish);
  // An upgraded socket stays half open: a peer that has gone would never be noticed.
  socket.on('end', () => {
    socket.end();
    finish();
  });
  socket.pipe(receiver);
  if (head.length) socket.unshift(Buffer.from(head));
  return {
    send(message, options) {
      if (isOver || !socket.writable) return true;
      sender.send(
        Buffer.from(message.buffer, message.byteOffset, message.byteLength),
        { binary: !options?.text, compress: false, fin: true, mask: false },
        () => undefined,
      );
      return !socket.writableNeedDrain;
    },
    close,
  };
}
