import type { Duplex } from 'node:stream';
import { Receiver, Sender } from 'ws';
import type { WebSocketConnection, WebSocketEvents } from './websocket.ts';

/** Messages larger than this end the connection. */
const maxMessageBytes = 16 * 1024 * 1024;

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
