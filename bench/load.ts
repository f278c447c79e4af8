/** The load that both servers get: HTTP/2 over TLS with a client certificate. */
import { type ClientHttp2Session, connect } from 'node:http2';

export interface Credentials {
  ca: string | Buffer;
  /** Without: the client has no certificate. */
  cert?: string | Buffer;
  key?: string | Buffer;
}

export interface Target {
  url: string;
  credentials: Credentials;
}

export interface Call {
  method: string;
  path: string;
  body?: string | Buffer;
  contentType?: string;
  accept?: string;
  headers?: Readonly<Record<string, string>>;
  /** Keeps the text of a good answer too; without, it is counted and thrown away. */
  keep?: boolean;
}

export interface Answer {
  status: number;
  bytes: number;
  text(): string;
}

/** Opens a connection and waits until it stands. */
export function openSession(target: Target): Promise<ClientHttp2Session> {
  const { promise, resolve, reject } = Promise.withResolvers<ClientHttp2Session>();
  // The certificate names the machine; the bench connects by address.
  const session = connect(target.url, { ...target.credentials, checkServerIdentity: () => undefined });
  session.once('connect', () => resolve(session));
  session.once('error', reject);
  return promise;
}

/** One call; resolves with status and bytes received. */
export function send(session: ClientHttp2Session, call: Call): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const stream = session.request({
    ':method': call.method,
    ':path': call.path,
    accept: call.accept ?? 'application/json',
    ...call.headers,
    ...(call.body === undefined
      ? {}
      : { 'content-type': call.contentType ?? 'application/json', 'content-length': Buffer.byteLength(call.body) }),
  });
  let status = 0;
  let bytes = 0;
  const chunks: Buffer[] = [];
  stream.on('response', headers => {
    status = headers[':status']!;
  });
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (status >= 300 || call.keep) chunks.push(chunk);
  });
  stream.on('end', () => resolve({ status, bytes, text: () => Buffer.concat(chunks).toString() }));
  stream.on('error', reject);
  stream.end(call.body);
  return promise;
}

/** Calls answered while `connections` connections each send the next call when the last is answered, and the time that it took. */
export async function measureRate(options: {
  target: Target;
  connections: number;
  seconds: number;
  /** The call number `index` over all connections. */
  call(index: number): Call;
}): Promise<{ calls: number; ms: number }> {
  const sessions = await Promise.all(Array.from({ length: options.connections }, () => openSession(options.target)));
  let index = 0;
  let done = 0;
  const startMs = performance.now();
  const untilMs = startMs + options.seconds * 1000;
  const work = async (session: ClientHttp2Session) => {
    while (performance.now() < untilMs) {
      const call = options.call(index++);
      const answer = await send(session, call);
      if (answer.status >= 300) throw new Error(`${call.method} ${call.path}: ${answer.status} ${answer.text()}`);
      done++;
    }
  };
  await Promise.all(sessions.map(work));
  const ms = performance.now() - startMs;
  for (const session of sessions) session.close();
  return { calls: done, ms };
}

/**
 * Milliseconds from the first update sent to the last event received by all of `watchers` streams. `isEvent` counts the events in a chunk of text;
 * `updates` calls are sent in their order by `writers` connections, each of which waits for its answer before it takes the next.
 */
export async function measureFanOut(options: {
  target: Target;
  watchPath: string;
  watchers: number;
  writers: number;
  updates: readonly Call[];
  countEvents(chunk: Buffer): number;
}): Promise<number> {
  const { target, watchPath, watchers, writers, updates, countEvents } = options;
  const sessions = await Promise.all(Array.from({ length: 10 }, () => openSession(target)));
  const opened: Promise<void>[] = [];
  const finished: Promise<void>[] = [];
  for (let watcher = 0; watcher < watchers; watcher++) {
    const stream = sessions[watcher % sessions.length]!.request({ ':path': watchPath, accept: 'application/json' });
    const open = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    let events = 0;
    stream.on('response', () => open.resolve());
    stream.on('error', end.reject);
    stream.on('data', (chunk: Buffer) => {
      events += countEvents(chunk);
      if (events >= updates.length) end.resolve();
    });
    opened.push(open.promise);
    finished.push(end.promise);
  }
  await Promise.all(opened);
  const writing = await Promise.all(Array.from({ length: writers }, () => openSession(target)));
  let next = 0;
  const startMs = performance.now();
  const write = async (session: ClientHttp2Session) => {
    for (let call = updates[next++]; call; call = updates[next++]) {
      const answer = await send(session, call);
      if (answer.status >= 300) throw new Error(`${call.method} ${call.path}: ${answer.status} ${answer.text()}`);
    }
  };
  await Promise.all(writing.map(write));
  await Promise.all(finished);
  const ms = performance.now() - startMs;
  for (const session of [...sessions, ...writing]) session.destroy();
  return ms;
}
