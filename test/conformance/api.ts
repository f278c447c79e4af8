/** The plainest client there can be: JSON over HTTPS, so that what a test sees is what the server sent. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, type AgentOptions, request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { parse } from 'yaml';

/** What came back. `body` is parsed JSON, or text when it is none. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind
  readonly body: any;
  readonly bytes: Buffer;
}

export interface Call {
  readonly method?: string;
  readonly path: string;
  /** An object is sent as JSON, a string or bytes as they are. */
  readonly body?: unknown;
  /** Content-Type; default application/json. */
  readonly type?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

// biome-ignore lint/suspicious/noExplicitAny: as above
export type Json = any;

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: Json;
}

/** An open watch. Its events are kept until they are asked for. */
export interface Watch extends Disposable {
  /** The next event that fits, those before it are dropped. Rejects after 30 s, or when the watch ends first. */
  next(fits?: (event: WatchEvent) => boolean): Promise<WatchEvent>;
  /** Resolves when the server ends the watch, with what nobody asked for. */
  ended(): Promise<WatchEvent[]>;
}

export interface Api extends Disposable {
  send(call: Call): Promise<Answer>;
  /** The short ways give the body, and fail the test with the server's words when it refuses. */
  get(path: string): Promise<Json>;
  create(path: string, body: unknown): Promise<Json>;
  update(path: string, body: unknown): Promise<Json>;
  /** Reads, edits and writes back, again when somebody else wrote in between. */
  change(path: string, edit: (object: Json) => unknown): Promise<Json>;
  /** Default: merge patch. */
  patch(path: string, body: unknown, type?: 'json' | 'merge' | 'strategic' | 'apply'): Promise<Json>;
  delete(path: string, options?: unknown): Promise<Json>;
  /** Resolves when the stream is open; `path` without `watch=true`. Rejects with the Status when it is refused. */
  watch(path: string): Promise<Watch>;
  /** The same server with a bearer token, or as nobody. */
  as(token: string | undefined): Api;
  /** Where it is and how it is reached, for raw connections. */
  readonly connection: { readonly host: string; readonly port: number; readonly tls: AgentOptions };
}

const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;
const patienceMs = 30_000;

/** A client with the credentials of a kubeconfig file. */
export function openApi(kubeconfig: string): Api {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as Json;
  const bytes = (text: string) => Buffer.from(text, 'base64');
  const { cluster } = config.clusters[0];
  const { user } = config.users[0];
  const ca = bytes(cluster['certificate-authority-data']);
  const own = { cert: bytes(user['client-certificate-data']), key: bytes(user['client-key-data']) };
  return connect(new URL(cluster.server), { ca, ...own }, undefined);
}

function connect(url: URL, tls: AgentOptions, token: string | undefined): Api {
  const agent = new Agent({ keepAlive: true, ...tls });
  const open = (call: Call) => start(url, agent, token, call);
  const must = async (call: Call) => {
    const answer = await send(call);
    assert.ok(answer.status < 400, `${call.method ?? 'GET'} ${call.path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const send = async (call: Call): Promise<Answer> => {
    const message = await open(call);
    const body = await buffer(message);
    return { status: message.statusCode ?? 0, headers: message.headers, body: parseBody(body), bytes: body };
  };
  return {
    send,
    connection: { host: url.hostname, port: Number(url.port), tls },
    get: path => must({ path }),
    create: (path, body) => must({ method: 'POST', path, body }),
    update: (path, body) => must({ method: 'PUT', path, body }),
    async change(path, edit) {
      const untilMs = performance.now() + patienceMs;
      for (;;) {
        const body = await must({ path });
        edit(body);
        const answer = await send({ method: 'PUT', path, body });
        if (answer.status === 200) return answer.body;
        const told = `PUT ${path}: ${JSON.stringify(answer.body)}`;
        assert.ok(answer.status === 409 && performance.now() < untilMs, told);
      }
    },
    patch: (path, body, type = 'merge') => must({ method: 'PATCH', path, body, type: patchTypes[type] }),
    delete: (path, options) => must({ method: 'DELETE', path, body: options }),
    async watch(path) {
      const message = await open({ path: `${path}${path.includes('?') ? '&' : '?'}watch=true` });
      if (message.statusCode === 200) return readWatch(message);
      throw new Error(`watch ${path}: ${await buffer(message)}`);
    },
    as: other => connect(url, { ca: tls.ca }, other),
    [Symbol.dispose]: () => agent.destroy(),
  };
}

function start(url: URL, agent: Agent, token: string | undefined, call: Call): Promise<IncomingMessage> {
  const { method = 'GET', path, body, type = 'application/json', accept, headers } = call;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const bytes = body === undefined ? undefined : encode(body);
  const options = {
    ...{ host: url.hostname, port: url.port, agent, method, path },
    headers: {
      // Node tells the length of a DELETE's body to nobody.
      ...(bytes ? { 'content-type': type, 'content-length': bytes.length } : {}),
      ...(accept ? { accept } : {}),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...headers,
    },
  };
  const sent = request(options, resolve).on('error', reject);
  sent.end(bytes);
  return promise;
}

function encode(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function parseBody(bytes: Buffer): Json {
  const text = bytes.toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    return text; // plain text, YAML or protobuf: the test knows what it asked for
  }
}

function readWatch(message: IncomingMessage): Watch {
  const events: WatchEvent[] = [];
  const end = Promise.withResolvers<void>();
  let isOver = false;
  let rest = '';
  let wake: () => void = () => undefined;
  message.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    events.push(...lines.filter(Boolean).map(line => JSON.parse(line) as WatchEvent));
    wake();
  });
  const finish = () => {
    isOver = true;
    end.resolve();
    wake();
  };
  // A cut connection ends a watch as well as an answer that is complete.
  message.on('close', finish).on('error', finish);
  return {
    async next(fits = () => true) {
      const untilMs = performance.now() + patienceMs;
      for (;;) {
        for (let event = events.shift(); event; event = events.shift()) if (fits(event)) return event;
        if (isOver) throw new Error('the watch ended before the event came');
        const leftMs = untilMs - performance.now();
        if (leftMs <= 0) throw new Error(`no such event within ${patienceMs / 1000} s`);
        await new Promise<void>(resolve => {
          const timer = setTimeout(resolve, leftMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    async ended() {
      await end.promise;
      return events.splice(0);
    },
    [Symbol.dispose]: () => void message.destroy(),
  };
}
