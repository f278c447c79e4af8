import type { Handler, PeerUser, Request, Response, SharedValue, Sink } from '#wire';
import type { RawRequest, Transport } from './client.ts';
import { ClientError } from './errors.ts';

/** Bytes that may wait for the reader before the server is told to pause. */
const highWaterBytes = 256 * 1024;

/**
 * Carries requests by calling a handler in the same process as the given, already authenticated, user. Streams are the handler's own writes, with
 * backpressure. Disposing ends every stream that is still open.
 */
export function createHandlerTransport(handler: Handler, user: PeerUser): Transport {
  const closed = new AbortController();
  return {
    async send(request) {
      if (closed.signal.aborted) throw new ClientError('unreachable', 'the transport is closed');
      request.signal?.throwIfAborted();
      const gone = new AbortController();
      const unlink = follow(gone, [closed.signal, request.signal]);
      try {
        const response = await abortable(handler(toRequest(request, user, gone.signal)), gone.signal);
        const { status, headers, value, isShared } = response;
        if (value !== undefined) {
          unlink();
          return { status, headers, value, body: empty };
        }
        if (!isShared) return { status, headers, body: bodyOf(response, gone, unlink) };
        return { status, headers, body: empty, values: valuesOf(response, gone, unlink) };
      } catch (error) {
        unlink();
        throw error;
      }
    },
    [Symbol.asyncDispose]: async () => closed.abort(new ClientError('unreachable', 'the transport is closed')),
  };
}

function toRequest(request: RawRequest, user: PeerUser, signal: AbortSignal): Request {
  const [path = '', search = ''] = splitOnce(request.path, '?');
  const bytes = typeof request.body === 'string' ? Buffer.from(request.body) : (request.body ?? new Uint8Array());
  const headers = Object.fromEntries(Object.entries(request.headers ?? {}).map(([k, v]) => [k.toLowerCase(), v]));
  return {
    method: request.method,
    path,
    search,
    headers,
    body: async limitBytes => {
      if (bytes.length > limitBytes) throw new ClientError('malformed', `the body is larger than ${limitBytes} bytes`);
      return bytes;
    },
    async *stream() {
      yield bytes;
    },
    signal,
    peer: { address: 'in-process', user },
    shares: request.shares,
  };
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** Aborts `target` when one of the signals does; returns what undoes the listening. */
function follow(target: AbortController, signals: readonly (AbortSignal | undefined)[]): () => void {
  const undo: (() => void)[] = [];
  for (const signal of signals) {
    if (!signal) continue;
    const abort = () => target.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    undo.push(() => signal.removeEventListener('abort', abort));
  }
  return () => {
    for (const run of undo) run();
  };
}

function abortable<R>(promise: Promise<R>, signal: AbortSignal): Promise<R> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

const empty: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};

async function* valuesOf(response: Response, gone: AbortController, unlink: () => void): AsyncGenerator<unknown> {
  try {
    yield* pump<SharedValue>(response.body as (sink: Sink) => Promise<void>, gone.signal);
  } finally {
    unlink();
    gone.abort(new ClientError('unreachable', 'the reader left'));
  }
}

async function* bodyOf(response: Response, gone: AbortController, unlink: () => void): AsyncGenerator<Uint8Array> {
  const { body } = response;
  try {
    if (body instanceof Uint8Array) yield body;
    else if (typeof body === 'function') yield* pump<Uint8Array>(body, gone.signal);
    else if (body) yield* body;
  } finally {
    unlink();
    gone.abort(new ClientError('unreachable', 'the reader left'));
  }
}

/** Runs a body writer against a bounded buffer that the reader empties. */
async function* pump<C extends SharedValue>(
  write: (sink: Sink) => Promise<void>,
  signal: AbortSignal,
): AsyncGenerator<C> {
  const pipe = createPipe<C>(signal);
  const finished = write(pipe.sink).then(
    () => pipe.end(),
    error => pipe.end(error),
  );
  try {
    yield* pipe.read();
    await finished;
  } finally {
    pipe.leave();
  }
}

/** What goes through is bytes or values, as the reader asked. */
function createPipe<C extends SharedValue>(signal: AbortSignal) {
  let chunks: C[] = [];
  let [bytes, ended, left] = [0, false, false];
  let failure: unknown;
  let wakeReader = () => {};
  const waiting: { resolve(): void; reject(error: unknown): void }[] = [];
  const leave = () => {
    left = true;
    chunks = [];
    bytes = 0;
    for (const waiter of waiting.splice(0)) waiter.reject(new ClientError('unreachable', 'the reader left'));
    wakeReader();
  };
  signal.addEventListener('abort', leave, { once: true });
  const put = (chunk: SharedValue): boolean => {
    if (left) return true;
    chunks.push(chunk as C);
    bytes += chunk.length;
    wakeReader();
    return bytes < highWaterBytes;
  };
  const sink: Sink = {
    write: put,
    share: put,
    drained() {
      if (left) return Promise.reject(new ClientError('unreachable', 'the reader left'));
      if (bytes < highWaterBytes) return Promise.resolve();
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    get bufferedBytes() {
      return bytes;
    },
  };
  return {
    sink,
    leave,
    end(error?: unknown) {
      [ended, failure] = [true, error];
      wakeReader();
    },
    async *read(): AsyncGenerator<C> {
      for (;;) {
        if (signal.aborted) throw signal.reason;
        if (chunks.length) {
          const ready = chunks;
          [chunks, bytes] = [[], 0];
          yield* ready;
          if (bytes < highWaterBytes) for (const waiter of waiting.splice(0)) waiter.resolve();
        } else if (ended) {
          if (failure !== undefined) throw new ClientError('unreachable', 'the answer was cut off', { cause: failure });
          return;
        } else {
          await new Promise<void>(resolve => {
            wakeReader = resolve;
          });
        }
      }
    },
  };
}
