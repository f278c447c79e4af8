import type { ClientHttp2Session } from 'node:http2';
import { connect, constants } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '#base';
import type { RawRequest, RawResponse } from './client.ts';
import { ClientError } from './errors.ts';
import type { Exchange } from './http1-exchange.ts';
import { bodyOf, flatten } from './http1-exchange.ts';

/** Upstream's client: a connection that is silent for 30 s is asked, and given up when it does not answer within 15 s. */
const [idleMs, pingTimeoutMs] = [30_000, 15_000];
/** Requests that share one connection at most, also where the server would take more: one loss then hurts few. */
const maxStreams = 100;

export interface Http2Options {
  authority: string;
  /** The connection that showed that the server speaks HTTP/2. */
  first: TLSSocket;
  dial(): Promise<TLSSocket>;
  clock: Clock;
}

/** `connecting`: takes no request yet; `open`; `draining`: told to go away, finishes what it has; gone ones leave the list. */
interface Connection {
  session: ClientHttp2Session;
  state: 'open' | 'draining';
  streams: number;
}

/** HTTP/2: many requests on one connection, more connections only when the first is full or going away. */
export function createHttp2Exchange({ authority, first, dial, clock }: Http2Options): Exchange {
  const connections = new Set<Connection>();
  let dialing: Promise<Connection> | undefined;
  const adopt = (socket: TLSSocket): Connection => {
    const session = connect(`https://${authority}`, { createConnection: () => socket });
    const connection: Connection = { session, state: 'open', streams: 0 };
    connections.add(connection);
    const alive = keepAsking(session, clock);
    session.on('goaway', () => (connection.state = 'draining'));
    // Each stream reports the loss of its connection to whoever waits for it.
    session.on('error', () => (connection.state = 'draining'));
    session.on('close', () => {
      alive[Symbol.dispose]();
      connections.delete(connection);
    });
    return connection;
  };
  const usable = () =>
    [...connections].find(({ session, state, streams }) => {
      const limit = Math.min(maxStreams, session.remoteSettings?.maxConcurrentStreams ?? maxStreams);
      return state === 'open' && !session.closed && !session.destroyed && streams < limit;
    });
  const acquire = async () => {
    const open = usable();
    if (open) return open;
    dialing ??= dial()
      .then(adopt)
      .finally(() => (dialing = undefined));
    return dialing;
  };
  adopt(first);
  return {
    async send(request) {
      const connection = await acquire();
      request.signal?.throwIfAborted();
      try {
        return await sendOn(connection, request);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        connection.state = 'draining';
        return sendOn(await acquire(), request);
      }
    },
    close() {
      for (const { session } of connections) session.destroy();
    },
  };
}

/** The server did not begin with the request, so it may be sent again whatever it does. */
class Refused extends ClientError {
  constructor(cause?: unknown) {
    super('unreachable', 'the connection takes no more requests', { cause });
  }
}

function sendOn(connection: Connection, request: RawRequest): Promise<RawResponse> {
  const { session } = connection;
  const { method, path, headers, body, signal } = request;
  return new Promise((resolve, reject) => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    if (session.closed || session.destroyed) return reject(new Refused());
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const stream = session.request(
      { ':method': method, ':path': path, ...headers, ...length },
      { endStream: body === undefined },
    );
    connection.streams++;
    const abort = () => stream.close(constants.NGHTTP2_CANCEL);
    signal?.addEventListener('abort', abort, { once: true });
    stream.on('response', head => {
      const answer = { status: Number(head[':status'] ?? 0), headers: flatten(head as Record<string, string>) };
      resolve({ ...answer, body: bodyOf(untilEnd(stream, ended), signal) });
    });
    stream.on('error', error => {
      const refused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
      reject(refused ? new Refused(error) : error);
    });
    stream.on('close', () => {
      connection.streams--;
      signal?.removeEventListener('abort', abort);
      end();
      reject(signal?.aborted ? signal.reason : new ClientError('unreachable', 'the connection was lost'));
    });
    if (body !== undefined) stream.end(body);
  });
}

/** Node ends a stream without an error when its session is destroyed or it is cancelled: that is a cut, not an end. */
async function* untilEnd(
  stream: AsyncIterable<Uint8Array> & { rstCode?: number | undefined; readableEnded: boolean; aborted: boolean },
  ended: Promise<void>,
): AsyncGenerator<Uint8Array> {
  yield* stream;
  await ended;
  if (stream.aborted || (stream.rstCode ?? 0) !== constants.NGHTTP2_NO_ERROR)
    throw new Error('the connection was lost');
}

/** Destroys the session when its peer does not answer any more: a pulled cable sends no reset. */
function keepAsking(session: ClientHttp2Session, clock: Clock): Disposable {
  let timer: Disposable;
  let bytesSeen = -1;
  const look = () => {
    const bytes = session.destroyed ? bytesSeen : (session.socket?.bytesRead ?? 0);
    if (bytes === bytesSeen && !session.destroyed) return ask();
    bytesSeen = bytes;
    timer = clock.timer(idleMs, look, { unref: true });
  };
  const ask = () => {
    timer = clock.timer(pingTimeoutMs, () => session.destroy(new ClientError('unreachable', 'the server is silent')), {
      unref: true,
    });
    session.ping(error => {
      timer[Symbol.dispose]();
      if (!error && !session.destroyed) timer = clock.timer(idleMs, look, { unref: true });
    });
  };
  timer = clock.timer(idleMs, look, { unref: true });
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}
