import type { Duplex } from 'node:stream';
import { loadWebSocket, offeredProtocols, type Request, type Response, type Sink, webSocketAnswer } from '#wire';
import { badRequest } from '../access/refuse.ts';

/** What readers of a stream speak: messages of bytes, or the same as text in base64. Source: wsstream's reader. */
const protocols = ['binary.k8s.io', 'base64.binary.k8s.io'] as const;

/** A log as messages of a WebSocket, cut anywhere. Throws 400 for a client that speaks no protocol of ours. */
export async function toMessages(request: Request, answer: Response): Promise<Response> {
  const offered = offeredProtocols(request.headers);
  const protocol = protocols.find(name => offered.includes(name));
  if (!protocol && offered.length > 0) {
    const known = protocols.join(', ');
    throw badRequest(`unable to upgrade: no subprotocol of ${JSON.stringify(offered)} is supported, only ${known}`);
  }
  const isText = protocol === 'base64.binary.k8s.io';
  const toMessage = (chunk: Uint8Array) => (isText ? Buffer.from(Buffer.from(chunk).toString('base64')) : chunk);
  const cut = (chunk: Uint8Array) => [toMessage(chunk)];
  // Upstream's first message is empty: the client knows that it is connected before anything has been written.
  return upgrade({ request, answer, protocol, isText, cut, greeting: new Uint8Array() });
}

/** A watch as messages of a WebSocket: text, one for each line of the answer. The protocol is whatever the client says first, as upstream. */
export function toLineMessages(request: Request, answer: Response): Promise<Response> {
  const protocol = offeredProtocols(request.headers).find(name => !name.startsWith('base64url.bearer.'));
  return upgrade({ request, answer, protocol, isText: true, cut: createLineCutter() });
}

interface Wanted {
  request: Request;
  answer: Response;
  protocol: string | undefined;
  isText: boolean;
  /** The messages that are whole with this chunk. */
  cut(chunk: Uint8Array): readonly Uint8Array[];
  greeting?: Uint8Array;
}

async function upgrade({ request, answer, protocol, isText, cut, greeting }: Wanted): Promise<Response> {
  const { body } = answer;
  if (typeof body !== 'function') return answer;
  const openWebSocket = await loadWebSocket();
  return {
    status: 101,
    headers: webSocketAnswer(request.headers, protocol),
    upgrade(socket, head) {
      // The answer to the client's goodbye goes out first.
      const onClose = () => void socket.end(() => socket.destroy());
      const connection = openWebSocket(socket, head, { onMessage: () => undefined, onClose });
      const sink: Sink = {
        write(chunk) {
          for (const message of cut(chunk)) connection.send(message, { text: isText });
          return !socket.writableNeedDrain;
        },
        drained: () => drained(socket),
        get bufferedBytes() {
          return socket.writableLength;
        },
      };
      if (greeting) connection.send(greeting, { text: isText });
      body(sink).then(
        () => connection.close(1000),
        // A client that is too slow is not told so: what waits for it is let go.
        () => (socket.writableNeedDrain ? socket.destroy() : connection.close(1011)),
      );
    },
  };
}

const newLine = 10;

/** Lines with their ends, which may come in pieces and several at once. */
function createLineCutter(): (chunk: Uint8Array) => Uint8Array[] {
  let pieces: Uint8Array[] = [];
  return chunk => {
    const lines: Uint8Array[] = [];
    let at = 0;
    for (let end = chunk.indexOf(newLine); end >= 0; end = chunk.indexOf(newLine, at)) {
      lines.push(Buffer.concat([...pieces, chunk.subarray(at, end + 1)]));
      pieces = [];
      at = end + 1;
    }
    if (at < chunk.length) pieces.push(chunk.subarray(at));
    return lines;
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
