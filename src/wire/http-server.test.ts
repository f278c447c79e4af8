import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session, OutgoingHttpHeaders } from 'node:http2';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { createLog, createSystemClock } from '#base';
import type { Handler, Request } from './http.ts';
import { isBodyTooLarge } from './http-body.ts';
import type { HttpServerLimits } from './http-server.ts';
import { startHttpServer } from './http-server.ts';
import { createTestCertificates } from './http-testing.ts';

const silent = createLog({ level: 'error', now: () => 0, write: () => undefined });
const json = { 'content-type': 'application/json' };

async function start(handler: Handler, limits?: HttpServerLimits) {
  const certificates = await createTestCertificates();
  const server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    tls: certificates.tls,
    handler,
    log: silent,
    clock: createSystemClock(),
    limits,
  });
  return { server, certificates, ca: certificates.tls.ca };
}

type Answer = { status: number; headers: Record<string, unknown>; body: Buffer };
type Call = { method: string; path: string; body?: Buffer | undefined; headers?: Record<string, string> };

async function sendHttp2(session: ClientHttp2Session, call: Call): Promise<Answer> {
  const head: OutgoingHttpHeaders = { ':method': call.method, ':path': call.path, ...call.headers };
  const stream = session.request(head);
  const chunks: Buffer[] = [];
  let headers: Record<string, unknown> = {};
  stream.on('response', given => {
    headers = given;
  });
  stream.on('data', chunk => chunks.push(chunk));
  stream.end(call.body);
  await once(stream, 'close');
  return { status: Number(headers[':status']), headers, body: Buffer.concat(chunks) };
}

function sendHttp1(url: string, ca: string, call: Call): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const { method, headers } = call;
  const out = httpsRequest(url + call.path, { method, ca, agent: false, ...(headers && { headers }) }, answer => {
    const chunks: Buffer[] = [];
    answer.on('data', chunk => chunks.push(chunk));
    answer.on('end', () =>
      resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(chunks) }),
    );
  });
  out.on('error', reject);
  out.end(call.body);
  return promise;
}

/** The same body over both protocols. */
function describeMatrix(name: string, body: (open: (handler: Handler) => Promise<Opened>) => Promise<void>): void {
  for (const protocol of ['HTTP/2', 'HTTP/1.1'] as const) {
    test(`${name} (${protocol})`, () => body(handler => open(protocol, handler)));
  }
}

interface Opened extends AsyncDisposable {
  send(call: Call): Promise<Answer>;
}

async function open(protocol: 'HTTP/2' | 'HTTP/1.1', handler: Handler): Promise<Opened> {
  const { server, ca } = await start(handler);
  const session = protocol === 'HTTP/2' ? connectHttp2(server.url, { ca }) : undefined;
  return {
    send: call => (session ? sendHttp2(session, call) : sendHttp1(server.url, ca, call)),
    async [Symbol.asyncDispose]() {
      session?.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe('the HTTP server', () => {
  describeMatrix('gives the handler path, query, headers and body, and sends its answer', async open => {
    await using at = await open(async request => {
      const body = Buffer.from(await request.body(1000)).toString();
      const { method, path, search } = request;
      return {
        status: 201,
        headers: json,
        body: Buffer.from(JSON.stringify({ method, path, search, body, custom: request.headers['x-custom'] })),
      };
    });
    const call = { method: 'POST', path: '/a/b%20c?d=e?f', body: Buffer.from('hello'), headers: { 'x-custom': 'yes' } };
    const answer = await at.send(call);
    assert.equal(answer.status, 201);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.deepEqual(JSON.parse(answer.body.toString()), {
      method: 'POST',
      path: '/a/b%20c',
      search: 'd=e?f',
      body: 'hello',
      custom: 'yes',
    });
  });

  describeMatrix('sends a list of pieces as one body with its length', async open => {
    const pieces = Array.from({ length: 5000 }, (_, index) => Buffer.alloc(index % 700, 'abc'));
    await using at = await open(async () => ({ status: 200, headers: json, body: pieces }));
    const answer = await at.send({ method: 'GET', path: '/' });
    assert.ok(answer.body.equals(Buffer.concat(pieces)));
    assert.equal(Number(answer.headers['content-length']), answer.body.length);
  });

  describeMatrix('sends a streamed body with backpressure', async open => {
    let largest = 0;
    await using at = await open(async () => ({
      status: 200,
      headers: json,
      async body(sink) {
        for (let index = 0; index < 200; index++) {
          if (!sink.write(Buffer.alloc(50_000, index))) await sink.drained();
          largest = Math.max(largest, sink.bufferedBytes);
        }
      },
    }));
    const answer = await at.send({ method: 'GET', path: '/' });
    assert.equal(answer.body.length, 10_000_000);
    assert.ok(largest < 1_000_000, `${largest} bytes were buffered`);
  });

  describeMatrix('refuses a body over the limit and answers', async open => {
    await using at = await open(async request => {
      const error = await request.body(10).catch(cause => cause);
      return { status: isBodyTooLarge(error) ? 413 : 500, headers: {} };
    });
    for (const headers of [{}, { 'content-length': '11' }]) {
      const answer = await at.send({ method: 'POST', path: '/', body: Buffer.alloc(11), headers });
      assert.equal(answer.status, 413);
    }
  });

  describeMatrix('answers without reading the body when the handler does not want it', async open => {
    await using at = await open(async () => ({ status: 403, headers: json, body: Buffer.from('{}') }));
    const answer = await at.send({ method: 'POST', path: '/', body: Buffer.alloc(500_000) });
    assert.equal(answer.status, 403);
    assert.equal(answer.body.toString(), '{}');
  });

  describeMatrix('turns a handler that throws into a plain 500', async open => {
    await using at = await open(async () => {
      throw new Error('secret');
    });
    const answer = await at.send({ method: 'GET', path: '/' });
    assert.equal(answer.status, 500);
    assert.ok(!answer.body.toString().includes('secret'));
  });

  test('shows the certificate of a client, and aborts the signal when it leaves', async () => {
    const left = Promise.withResolvers<string>();
    const { server, certificates, ca } = await start(async request => {
      const { signal } = request;
      signal.addEventListener('abort', () => left.resolve(String(request.peer.certificate?.subject.CN)));
      return {
        status: 200,
        headers: json,
        body(sink) {
          sink.write(Buffer.from('x'));
          return new Promise(() => undefined);
        },
      };
    });
    await using _ = server;
    const session = connectHttp2(server.url, { ca, ...(await certificates.client('alice', ['g'])) });
    const stream = session.request({ ':path': '/' });
    await once(stream, 'data');
    session.destroy();
    assert.equal(await left.promise, 'alice');
  });

  test('hands the socket over for an upgrade', async () => {
    const { server, ca } = await start(async request => ({
      status: 101,
      headers: { connection: 'Upgrade', upgrade: request.headers['upgrade'] ?? '' },
      upgrade: (socket: Duplex) => socket.on('data', chunk => socket.end(`echo ${chunk}`)),
    }));
    await using _ = server;
    const out = httpsRequest(server.url, { ca, agent: false, headers: { connection: 'Upgrade', upgrade: 'talk' } });
    out.end();
    const [answer, socket] = await once(out, 'upgrade');
    assert.equal(answer.headers.upgrade, 'talk');
    socket.write('hello');
    const [chunk] = await once(socket, 'data');
    assert.equal(String(chunk), 'echo hello');
    socket.destroy();
  });

  test('answers a refused upgrade like any request', async () => {
    const { server, ca } = await start(async () => ({ status: 403, headers: json, body: Buffer.from('no') }));
    await using _ = server;
    const headers = { connection: 'Upgrade', upgrade: 'talk' };
    const answer = await sendHttp1(server.url, ca, { method: 'GET', path: '/', headers });
    assert.equal(answer.status, 403);
    assert.equal(answer.body.toString(), 'no');
  });

  test('cuts off a reader that lets too much pile up', async () => {
    const ended = Promise.withResolvers<unknown>();
    const { server, ca } = await start(
      async () => ({
        status: 200,
        headers: json,
        async body(sink) {
          try {
            for (let index = 0; index < 1000; index++) sink.write(Buffer.alloc(100_000));
            await sink.drained();
          } catch (error) {
            ended.resolve(error);
          }
        },
      }),
      { maxBufferedBytes: 1_000_000 },
    );
    await using _ = server;
    const session = connectHttp2(server.url, { ca });
    session.on('error', () => undefined);
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => undefined);
    assert.ok((await ended.promise) instanceof Error);
    session.destroy();
  });

  test('stops: streams are told, and nothing is left open', async () => {
    const { server, ca } = await start(async ({ signal }) => ({
      status: 200,
      headers: json,
      body: sink =>
        new Promise<void>(resolve => {
          signal.addEventListener('abort', () => resolve());
          sink.write(Buffer.from('x'));
        }),
    }));
    const session = connectHttp2(server.url, { ca });
    const stream = session.request({ ':path': '/' });
    await once(stream, 'data');
    const closed = once(stream, 'close');
    await server[Symbol.asyncDispose]();
    await closed;
    assert.equal(stream.rstCode, 0);
  });

  test('takes new certificates without a restart', async () => {
    const { server } = await start(async () => ({ status: 200, headers: json }));
    await using _ = server;
    const fresh = await createTestCertificates();
    server.setTls(fresh.tls);
    const answer = await sendHttp1(server.url, fresh.tls.ca, { method: 'GET', path: '/' });
    assert.equal(answer.status, 200);
  });

  test('survives garbage instead of TLS and instead of HTTP', async () => {
    const seen: string[] = [];
    const certificates = await createTestCertificates();
    const handler = async (_request: Request) => ({ status: 200, headers: json });
    await using server = await startHttpServer({
      host: '127.0.0.1',
      port: 0,
      tls: certificates.tls,
      handler,
      log: silent,
      clock: createSystemClock(),
      onConnectionError: error => seen.push(error.message),
    });
    const socket = connectTls({
      port: server.port,
      host: '127.0.0.1',
      ca: certificates.tls.ca,
      servername: 'localhost',
    });
    await once(socket, 'secureConnect');
    socket.write('garbage\r\n\r\n');
    const [chunk] = await once(socket, 'data');
    assert.match(String(chunk), /^HTTP\/1.1 400/);
    socket.destroy();
    const answer = await sendHttp1(server.url, certificates.tls.ca, { method: 'GET', path: '/' });
    assert.equal(answer.status, 200);
    assert.equal(seen.length, 1);
  });

  test('cuts off who sends no head, or half of one', async () => {
    const { server, ca } = await start(async () => ({ status: 200, headers: json }), { headMs: 50 });
    await using _ = server;
    for (const text of ['', 'GET / HTTP/1.1\r\nhost: x\r\n']) {
      const socket = connectTls({ port: server.port, host: '127.0.0.1', ca, servername: 'localhost' });
      const chunks: Buffer[] = [];
      socket.on('data', chunk => chunks.push(chunk));
      const closed = once(socket, 'close');
      socket.write(text);
      await closed;
      assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 408 /);
    }
  });

  test('stops at once when connections are idle', async () => {
    const { server, ca } = await start(async () => ({ status: 200, headers: json }), { drainMs: 60_000 });
    const socket = connectTls({ port: server.port, host: '127.0.0.1', ca, servername: 'localhost' });
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(socket, 'data');
    const closed = once(socket, 'close');
    await server[Symbol.asyncDispose]();
    await closed;
  });

  test('an answer to a body that nobody wants arrives, and the sending ends', async () => {
    const refuse: Handler = async request => {
      const error = await request.body(10).catch(failure => failure);
      return { status: 413, headers: json, body: Buffer.from(String(isBodyTooLarge(error))) };
    };
    const { server, ca } = await start(refuse, { lingerMs: 50 });
    await using _ = server;
    const body = Buffer.alloc(8 * 1024 * 1024);
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      const answer = await sendHttp1(server.url, ca, { method: 'POST', path: '/', body, headers });
      assert.equal(`${answer.status} ${answer.body}`, '413 true');
    }
    const session = connectHttp2(server.url, { ca });
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    const closed = once(stream, 'close');
    stream.write(Buffer.alloc(100));
    stream.resume();
    await closed;
    assert.equal(stream.rstCode, 0);
    session.close();
  });
});

test('the head of a stream comes before its first piece, over both versions of HTTP', { timeout: 10_000 }, async () => {
  const write = Promise.withResolvers<void>();
  const body = async (sink: { write(chunk: Uint8Array): boolean }) => {
    await write.promise;
    sink.write(Buffer.from('late'));
  };
  const { server, ca } = await start(async () => ({ status: 200, headers: json, body }));
  await using _ = server;
  const first = httpsRequest(server.url, { ca, agent: false });
  const session = connectHttp2(server.url, { ca });
  const second = session.request({ ':path': '/' });
  const heads = Promise.all([once(first, 'response'), once(second, 'response')]);
  first.end();
  const [[answer]] = await heads;
  write.resolve();
  for (const stream of [answer, second]) assert.equal(String((await once(stream, 'data'))[0]), 'late');
  session.close();
});
