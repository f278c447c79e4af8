import type { Duplex } from 'node:stream';
import { loadWebSocket, offeredProtocols, type Request, type Response, type Sink, webSocketAnswer } from '#wire';
import { badRequest } from '../access/refuse.ts';

/** What readers of a stream speak: messages of bytes, or the same as text in base64. Source: wsstream's reader. */
const protocols = ['binary.k8s.io', 'base64.binary.k8s.io'] as const;

/** An answer that streams, as the messages of a WebSocket. Throws 400 for a client that speaks no protocol of ours. */
export async function toMessages(request: Request, answer: Response): Promise<Response> {
  const offered = offeredProtocols(request.headers);
  const protocol = protocols.find(name => offered.includes(name));
  if (!protocol && offered.length > 0) {
    const known = protocols.join(', ');
    throw badRequest(`unable to upgrade: no subprotocol of ${JSON.stringify(offered)} is supported, only ${known}`);
  }
  const { body } = answer;
  if (typeof body !== 'function') return answer;
  const isText = protocol === 'base64.binary.k8s.io';
  const openWebSocket = await loadWebSocket();
  return {
    status: 101,
    headers: webSocketAnswer(request.headers, protocol),
    upgrade(socket, head) {
      const connection = openWebSocket(socket, head, { onMessage: () => undefined, onClose: () => socket.destroy() });
      const send = (chunk: Uint8Array) =>
        connection.send(isText ? Buffer.from(Buffer.from(chunk).toString('base64')) : chunk, { text: isText });
      const sink: Sink = {
        write: send,
        drained: () => drained(socket),
        get bufferedBytes() {
          return socket.writableLength;
        },
      };
      // Upstream's first message is empty: the client knows that it is connected before anything has been written.
      send(new Uint8Array());
      body(sink).then(
        () => connection.close(1000),
        () => connection.close(1011),
      );
    },
  };
}

/** Resolves when there is room again; rejects when the client left. */
function drained(socket: Duplex): Promise<void> {
  if (socket.destroyed) return Promise.reject(new Error('the peer left'));
  if (!socket.writableNeedDrain) return Promise.resolve();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const settle = () => {
    socket.off('drain', settle);
    socket.off('close', settle);
    if (socket.destroyed) reject(new Error('the peer left'));
    else resolve();
  };
  socket.on('drain', settle);
  socket.on('close', settle);
  return promise;
}
