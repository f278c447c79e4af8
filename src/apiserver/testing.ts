import type { Clock, Random } from '#base';
import { createMeter, createRandom, createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import type { Store } from '#store';
import { openSqliteStore } from '#store';
import type { Handler, PeerUser, Request, Response, Sink } from '#wire';
import type { ApiServer, ApiServerConfig, ServerExtensions, ServerParts } from './server.ts';
import { startApiServer } from './server.ts';

export interface TestServerOptions {
  /** Default: a new one in memory, closed with the server. */
  readonly store?: Store | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  readonly listen?: ApiServerConfig['listen'];
  readonly audit?: ApiServerConfig['audit'];
  readonly eventTtlMs?: ApiServerConfig['eventTtlMs'];
  readonly postStartHooks?: ApiServerConfig['postStartHooks'];
  /** Replaces parts of the permissive access. */
  readonly extend?: ((parts: ServerParts) => Partial<ServerExtensions>) | undefined;
}

/** An answer with its body read. */
export interface TestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The body parsed; throws when it is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every kind.
  readonly json: any;
}

export interface TestCall {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TestServer extends AsyncDisposable {
  readonly server: ApiServer;
  readonly handler: Handler;
  readonly store: Store;
  readonly log: ReturnType<typeof createRecordingLog>;
  /** Objects go as JSON, strings and bytes as they are. */
  call(method: string, path: string, call?: TestCall): Promise<TestAnswer>;
  /** Opens a stream; events are read from it one by one. */
  watch(path: string, headers?: Readonly<Record<string, string>>): TestWatch;
}

/** An open watch of a test. */
export interface TestWatch extends Disposable {
  /** The next event; rejects when the stream ended. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every kind.
  next(): Promise<any>;
  readonly ended: Promise<void>;
}

const admin: PeerUser = { name: 'test-admin', groups: ['system:masters', 'system:authenticated'] };

/** Everybody may do everything; nothing is admitted or refused. For tests only. */
export function permissive(): ServerExtensions {
  return {
    authenticate: async request => request.peer.user ?? admin,
    authorize: () => ({ verdict: 'allow', reason: '' }),
    impersonate: async user => user,
    admission: [],
  };
}

/** A whole API server over a store in memory, reached through its handler. */
export async function startTestApiServer(options: TestServerOptions = {}): Promise<TestServer> {
  const clock = options.clock ?? createSystemClock();
  const log = createRecordingLog();
  const store = options.store ?? (await openSqliteStore({ path: ':memory:', clock, log }));
  const config = {
    listen: options.listen,
    audit: options.audit,
    eventTtlMs: options.eventTtlMs,
    postStartHooks: options.postStartHooks,
    version: { gitVersion: 'v1.36.0+wherry-test', gitCommit: '', buildDate: '2026-01-01T00:00:00Z' },
  };
  const server = await startApiServer(config, {
    store,
    clock,
    random: options.random ?? createRandom(),
    log,
    meter: createMeter(),
    extend: parts => ({ ...permissive(), ...options.extend?.(parts) }),
  });
  return {
    server,
    store,
    log,
    handler: server.handler,
    call: (method, path, call) => callHandler(server.handler, { method, path, ...call }),
    watch: (path, headers) => openWatch(server.handler, path, headers ?? {}),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      if (!options.store) await store[Symbol.asyncDispose]();
    },
  };
}

/** One call of a handler, with the body read whole. */
export async function callHandler(
  handler: Handler,
  call: TestCall & { method: string; path: string },
): Promise<TestAnswer> {
  const response = await handler(toRequest(call));
  const bytes = await readAll(response);
  const text = bytes.toString();
  return {
    status: response.status,
    headers: response.headers,
    text,
    get json() {
      return JSON.parse(text);
    },
  };
}

function toRequest(call: TestCall & { method: string; path: string }): Request {
  const [path = '', search = ''] = call.path.split(/\?(.*)/s);
  const bytes = toBytes(call.body);
  return {
    method: call.method,
    path,
    search,
    headers: { ...(bytes.length > 0 ? { 'content-type': 'application/json' } : {}), ...call.headers },
    async body(limitBytes) {
      if (bytes.length > limitBytes) throw Object.assign(new Error('too large'), { name: 'BodyTooLarge', limitBytes });
      return bytes;
    },
    async *stream() {
      yield bytes;
    },
    signal: call.signal ?? new AbortController().signal,
    peer: { address: 'in-process', user: admin },
  };
}

function toBytes(body: unknown): Uint8Array {
  if (body === undefined) return new Uint8Array();
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

async function readAll({ body }: Response): Promise<Buffer> {
  if (body === undefined) return Buffer.alloc(0);
  if (body instanceof Uint8Array) return Buffer.from(body);
  if (typeof body !== 'function') return Buffer.concat(body as Uint8Array[]);
  const chunks: Uint8Array[] = [];
  await body(collect(chunk => chunks.push(chunk)));
  return Buffer.concat(chunks);
}

function collect(take: (chunk: Uint8Array) => void): Sink {
  return {
    write(chunk) {
      take(chunk);
      return true;
    },
    drained: () => Promise.resolve(),
    bufferedBytes: 0,
  };
}

function openWatch(handler: Handler, path: string, headers: Readonly<Record<string, string>>): TestWatch {
  const stop = new AbortController();
  const events: unknown[] = [];
  const waiting: PromiseWithResolvers<unknown>[] = [];
  let rest = '';
  const take = (chunk: Uint8Array) => {
    rest += Buffer.from(chunk).toString();
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = JSON.parse(line);
      const waiter = waiting.shift();
      if (waiter) waiter.resolve(event);
      else events.push(event);
    }
  };
  const run = async () => {
    const response = await handler(toRequest({ method: 'GET', path, headers, signal: stop.signal }));
    if (typeof response.body === 'function') return response.body(collect(take));
    take(Buffer.concat([await readAll(response), Buffer.from('\n')]));
  };
  let isOver = false;
  const ended = run().finally(() => {
    isOver = true;
    for (const waiter of waiting.splice(0)) waiter.reject(new Error('the watch ended'));
  });
  return {
    next() {
      if (events.length > 0) return Promise.resolve(events.shift());
      if (isOver) return Promise.reject(new Error('the watch ended'));
      const waiter = Promise.withResolvers<unknown>();
      waiting.push(waiter);
      return waiter.promise;
    },
    ended,
    [Symbol.dispose]: () => stop.abort(),
  };
}
