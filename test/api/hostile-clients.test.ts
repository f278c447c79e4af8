/** Clients that do not play along: they leave, stop reading, stop sending. The server stays up, and what they cost comes back. */
import assert from 'node:assert/strict';
import { type EventEmitter, once } from 'node:events';
import { type ClientHttp2Session, constants } from 'node:http2';
import { after, before, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createFakeClock, type FakeClock } from '#base/testing';
import { startHttpServer } from '#wire';
import { type SecureApi, startSecureApi } from './fixture.ts';

const maps = '/api/v1/namespaces/default/configmaps';
const watchPath = `${maps}?watch=1`;
const mebibyte = 1024 * 1024;

let api: SecureApi;
before(async () => {
  api = await startSecureApi();
  await api.put(maps, { metadata: { name: 'there' } });
});
after(async () => {
  const answer = await api.send({ path: `${maps}/there` });
  const failures = api.log.records.filter(({ level }) => level === 'error');
  await api[Symbol.asyncDispose]();
  assert.equal(answer.status, 200, 'the server answers after all of this');
  assert.deepEqual(failures, [], 'and blames itself for nothing');
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes in use after everything unreachable is gone. */
async function bytesInUse(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    await nextTurn();
    collectGarbage();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** When it is closed, with an error or without. */
function closed(emitter: EventEmitter): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  emitter.once('close', () => resolve());
  return promise;
}

const perConnection = 250;

async function openWatches(session: ClientHttp2Session): Promise<void> {
  const opened = Array.from({ length: perConnection }, async () => {
    const stream = session.request({ ':method': 'GET', ':path': watchPath });
    stream.on('error', () => undefined);
    stream.resume();
    const [headers] = await once(stream, 'response');
    assert.equal(headers[':status'], 200);
    return stream;
  });
  await Promise.all(opened);
}

/** 2,500 watches on ten connections, half of which leave politely. */
async function openAndDrop(): Promise<void> {
  const sessions = await Promise.all(Array.from({ length: 10 }, () => api.http2()));
  await Promise.all(sessions.map(openWatches));
  const allClosed = sessions.map(session => closed(session));
  for (const [index, session] of sessions.entries()) {
    if (index % 2) session.destroy(undefined, constants.NGHTTP2_CANCEL);
    else session.socket.destroy();
  }
  await Promise.all(allClosed);
  // The server has noticed when a change finds nobody to be told.
  await api.put(`${maps}/there`, { metadata: { name: 'there' }, data: { x: String(Math.random()) } }, 'PUT');
}

test('10,000 watches that are opened and dropped leave nothing behind', async t => {
  await openAndDrop();
  const before = await bytesInUse();
  for (let round = 0; round < 4; round++) await openAndDrop();
  const grown = (await bytesInUse()) - before;
  t.diagnostic(`${(grown / mebibyte).toFixed(1)} MiB more than before`);
  assert.ok(grown < 8 * mebibyte, `${(grown / mebibyte).toFixed(1)} MiB more than before`);
});

/** Asks for a watch and never reads a byte of it. */
async function openDeafWatch(): Promise<TLSSocket> {
  const socket = await api.socket();
  socket.pause();
  socket.write(`GET ${watchPath} HTTP/1.1\r\nhost: x\r\n\r\n`);
  return socket;
}

test('a watcher that never reads is cut off, and costs a bounded amount until then', async t => {
  const deaf = await Promise.all(Array.from({ length: 5 }, openDeafWatch));
  const session = await api.http2();
  const deafStream = session.request({ ':method': 'GET', ':path': watchPath });
  deafStream.on('error', () => undefined);
  await once(deafStream, 'response');
  deafStream.pause();
  const before = await bytesInUse();
  const [changes, size] = [120, 900_000];
  let most = 0;
  for (let change = 0; change < changes; change++) {
    const data = { a: String(change).padEnd(size, 'x') };
    await api.put(`${maps}/there`, { metadata: { name: 'there' }, data }, 'PUT');
    if (change % 20 === 19) most = Math.max(most, (await bytesInUse()) - before);
  }
  t.diagnostic(`${(most / mebibyte).toFixed(1)} MiB more than before at most`);
  // 32 MiB of history, and for each of six what may wait for it; unbounded it would be 600 MiB.
  assert.ok(most < 160 * mebibyte, `${(most / mebibyte).toFixed(1)} MiB more than before`);
  for (const socket of deaf) {
    let received = 0;
    socket.on('data', chunk => {
      received += chunk.length;
    });
    const ended = closed(socket);
    socket.resume();
    await ended;
    assert.ok(received < (changes * size) / 2, `${received} bytes were kept for it`);
  }
  const ended = closed(deafStream);
  deafStream.resume();
  await ended;
  session.close();
});

/** A second door to the same server, whose time stands still. */
async function openStillDoor() {
  const clock = createFakeClock();
  const { handler } = api.controlPlane;
  const server = await startHttpServer({ host: '127.0.0.1', port: 0, tls: api.tls, handler, clock, log: api.log });
  return { server, clock };
}

/** Waits until somebody waits for the clock. */
async function untilWaiting(clock: FakeClock): Promise<void> {
  while (clock.pending === 0) await nextTurn();
}

const timeout = {
  status: 'Failure',
  message: 'Timeout: request did not complete within the allotted timeout',
  reason: 'Timeout',
  code: 504,
};
const head = `POST ${maps} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n`;

test('a body that comes too slowly is not waited for (HTTP/1.1)', async () => {
  const { server, clock } = await openStillDoor();
  await using _server = server;
  const socket = await api.socket(server.port);
  const chunks: Buffer[] = [];
  socket.on('data', chunk => chunks.push(chunk));
  const ended = closed(socket);
  socket.write(`${head}{"metadata"`);
  await untilWaiting(clock);
  await clock.advance(59_000);
  socket.write(':');
  assert.equal(chunks.length, 0);
  await clock.advance(1_000);
  await untilWaiting(clock);
  await clock.advance(1_000);
  await ended;
  const [top = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
  assert.match(top, /^HTTP\/1\.1 504 /);
  assert.match(top, /connection: close/i);
  const { status, message, reason, code } = JSON.parse(body);
  assert.deepEqual({ status, message, reason, code }, timeout);
});

test('a body that comes too slowly is not waited for (HTTP/2)', async () => {
  const { server, clock } = await openStillDoor();
  await using _server = server;
  const session = await api.http2(server.port);
  const stream = session.request({ ':method': 'POST', ':path': maps, 'content-type': 'application/json' });
  stream.on('error', () => undefined);
  stream.write('{"metadata"');
  const chunks: Buffer[] = [];
  stream.on('data', chunk => chunks.push(chunk));
  await untilWaiting(clock);
  const ended = closed(stream);
  await clock.advance(60_000);
  await ended;
  assert.equal(JSON.parse(Buffer.concat(chunks).toString()).code, 504);
  session.close();
});

test('a peer that leaves in the middle of its body is forgotten', async () => {
  const sockets = await Promise.all(Array.from({ length: 20 }, () => api.socket()));
  for (const socket of sockets) socket.write(`${head}{"metadata"`);
  await nextTurn();
  for (const socket of sockets) socket.destroy();
  const answer = await api.send({ path: maps });
  assert.equal(answer.status, 200);
});

test('what is not HTTP ends its connection and nothing else', async () => {
  const texts = [
    '\r\n\r\n',
    'GET',
    'nonsense\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    `GET / HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(2 * mebibyte)}`,
  ];
  for (const text of texts) {
    const socket = await api.socket();
    socket.resume();
    const ended = closed(socket);
    socket.end(text);
    await ended;
  }
});
