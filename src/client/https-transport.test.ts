import 'reflect-metadata';
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2SecureServer, ServerHttp2Session } from 'node:http2';
import { createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as x509 from '@peculiar/x509';
import { createFakeClock } from '#base/testing';
import { readAll } from './create-client.ts';
import { createHttpsTransport, isUnreachable } from './index.ts';

async function selfSigned() {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const extensions = [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])];
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test',
    keys,
    signingAlgorithm: algorithm,
    extensions,
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const cert = certificate.toString('pem');
  return { cert, key: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n` };
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A TLS server on a free port that is gone, with its connections, when the test ends. */
async function listen(protocol: 'h2' | 'http/1.1', answer: Answer) {
  const tls = await selfSigned();
  const sessions = new Set<ServerHttp2Session>();
  const server =
    protocol === 'h2'
      ? createSecureServer({ ...tls }, answer as never).on('session', session => sessions.add(session))
      : createServer(tls, answer);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const drop = () => {
    for (const session of sessions) session.destroy();
    sessions.clear();
    if ('closeAllConnections' in server) server.closeAllConnections();
  };
  return {
    access: { server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, ca: tls.cert },
    sessions,
    drop,
    async [Symbol.asyncDispose]() {
      drop();
      await new Promise(resolve => (server as Http2SecureServer).close(resolve));
    },
  };
}

const text = async (body: AsyncIterable<Uint8Array>) => (await readAll(body)).toString();

for (const protocol of ['h2', 'http/1.1'] as const) {
  test(`requests with bodies and tokens travel over ${protocol}`, async () => {
    await using server = await listen(protocol, async (request, response) => {
      const body = await text(request);
      response.setHeader(
        'x-seen',
        `${request.httpVersion} ${request.method} ${request.url} ${request.headers.authorization}`,
      );
      response.end(`got ${body}`);
    });
    await using transport = createHttpsTransport({ ...server.access, token: 't' });
    const answer = await transport.send({ method: 'POST', path: '/api?x=1', body: 'hällo' });
    assert.equal(await text(answer.body), 'got hällo');
    assert.equal(answer.headers['x-seen'], `${protocol === 'h2' ? '2.0' : '1.1'} POST /api?x=1 Bearer t`);
    const many = await Promise.all(Array.from({ length: 20 }, () => transport.send({ method: 'GET', path: '/' })));
    for (const one of many) assert.equal(await text(one.body), 'got ');
    if (protocol === 'h2') assert.equal(server.sessions.size, 1);
  });

  test(`a stream over ${protocol} that the server cuts off is unreachable, and the next request connects anew`, async () => {
    await using server = await listen(protocol, (request, response) => {
      if (request.url === '/watch') response.write('one');
      else response.end('again');
    });
    await using transport = createHttpsTransport(server.access);
    const { body } = await transport.send({ method: 'GET', path: '/watch' });
    const read = async () => {
      for await (const chunk of body) {
        assert.equal(Buffer.from(chunk).toString(), 'one');
        server.drop();
      }
    };
    await assert.rejects(read, isUnreachable);
    assert.equal(await text((await transport.send({ method: 'GET', path: '/' })).body), 'again');
  });

  test(`over ${protocol} an abort ends a waiting request and a running stream`, async () => {
    await using server = await listen(protocol, (request, response) => {
      if (request.url === '/watch') response.write('one');
    });
    await using transport = createHttpsTransport(server.access);
    const abort = new AbortController();
    const waiting = transport.send({ method: 'GET', path: '/never', signal: abort.signal });
    const { body } = await transport.send({ method: 'GET', path: '/watch', signal: abort.signal });
    const reading = text(body);
    abort.abort(new Error('enough'));
    await assert.rejects(waiting, { message: 'enough' });
    await assert.rejects(reading, { message: 'enough' });
  });
}

test('an answer that does not begin in time is unreachable', async () => {
  const asked = Promise.withResolvers<void>();
  await using server = await listen('h2', () => asked.resolve());
  const clock = createFakeClock();
  await using transport = createHttpsTransport({ ...server.access, clock, timeoutMs: 5000 });
  const waiting = transport.send({ method: 'GET', path: '/' });
  const late = assert.rejects(waiting, isUnreachable);
  await asked.promise;
  await clock.advance(5000);
  await late;
});

test('a server of a foreign authority is not spoken to, nor is one that is not there', async () => {
  await using server = await listen('h2', (_, response) => response.end());
  const { cert } = await selfSigned();
  await using foreign = createHttpsTransport({ ...server.access, ca: cert });
  await assert.rejects(foreign.send({ method: 'GET', path: '/' }), isUnreachable);
  await using nobody = createHttpsTransport({ server: 'https://127.0.0.1:1' });
  await assert.rejects(nobody.send({ method: 'GET', path: '/' }), isUnreachable);
});

test('a token file is read again after a minute', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'token-'));
  try {
    const tokenFile = join(folder, 'token');
    await using server = await listen('h2', (request, response) => response.end(request.headers.authorization));
    const clock = createFakeClock();
    await using transport = createHttpsTransport({ ...server.access, tokenFile, clock });
    const seen = async () => text((await transport.send({ method: 'GET', path: '/' })).body);
    await assert.rejects(seen, { code: 'configuration' });
    await writeFile(tokenFile, 'one\n');
    assert.equal(await seen(), 'Bearer one');
    await writeFile(tokenFile, 'two\n');
    assert.equal(await seen(), 'Bearer one');
    await clock.advance(20_000);
    await clock.advance(40_000);
    assert.equal(await seen(), 'Bearer two');
  } finally {
    await rm(folder, { recursive: true });
  }
});
