import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { readSchema } from './grpc-schema.ts';
import { connectCri, connectGrpc, isGrpcError } from './index.ts';

const table = {
  Mode: { OFF: 0, ON: 1 },
  Inner: { some_number: [1, 'int64'], mode: [2, 'Mode'] },
  Question: { labels: [1, 'map<string, string>'], inner: [2, 'Inner'], names: [3, '[]string'] },
  'service Echo': { Ask: ['Question', 'Question'], Many: ['Question', 'stream Question'] },
} as const;

async function withServer(body: (address: string) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'grpc-'));
  const address = `unix://${join(folder, 'x.sock')}`;
  const method = readSchema('test.v1', table)('Echo', 'Ask');
  const server = new Server();
  const shape = {
    requestSerialize: method.encode,
    requestDeserialize: method.decode,
    responseSerialize: method.encode,
    responseDeserialize: method.decode,
  };
  server.addService(
    {
      Ask: { path: '/test.v1.Echo/Ask', requestStream: false, responseStream: false, ...shape },
      Many: { path: '/test.v1.Echo/Many', requestStream: false, responseStream: true, ...shape },
    },
    {
      Ask: (call: { request: { names: string[] } }, answer: (error: object | null, value?: object) => void) => {
        const [name] = call.request.names;
        if (name === 'missing') answer({ code: status.NOT_FOUND, details: 'no such thing' });
        else if (name !== 'slow') answer(null, call.request);
      },
      Many: (call: { request: object; write(value: object): void; end(): void }) => {
        call.write(call.request);
        call.write(call.request);
        call.end();
      },
    } as never,
  );
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(address, ServerCredentials.createInsecure(), error => (error ? reject(error) : resolve())),
  );
  try {
    await body(address);
  } finally {
    server.forceShutdown();
    await rm(folder, { recursive: true });
  }
}

test('a message travels with names in camelCase, enums as names, and absent messages absent', async () => {
  await withServer(async address => {
    const connection = connectGrpc({ address, now: Date.now });
    const method = readSchema('test.v1', table)('Echo', 'Ask');
    const message = { labels: { 'a.b/c': 'd' }, inner: { someNumber: -998, mode: 'ON' }, names: ['x'] };
    assert.deepEqual(await connection.call({ method, message, timeoutMs: 5000 }), message);
    const empty = await connection.call({ method, message: { names: ['x'] }, timeoutMs: 5000 });
    assert.deepEqual(empty, { labels: {}, names: ['x'] });
    connection.close();
  });
});

test('errors carry a code, deadlines and cancelling end a call, streams are iterated', async () => {
  await withServer(async address => {
    const connection = connectGrpc({ address, now: Date.now });
    const method = readSchema('test.v1', table)('Echo', 'Ask');
    const ask = (name: string, timeoutMs: number, signal?: AbortSignal) =>
      connection.call({ method, message: { names: [name] }, timeoutMs, signal });
    await assert.rejects(ask('missing', 5000), error => {
      assert.ok(isGrpcError(error, 'notFound'));
      assert.equal(error.grpcText, 'rpc error: code = NotFound desc = no such thing');
      return true;
    });
    await assert.rejects(ask('slow', 20), error => isGrpcError(error, 'deadlineExceeded'));
    const abort = new AbortController();
    const cancelled = ask('slow', 5000, abort.signal);
    abort.abort();
    await assert.rejects(cancelled, error => isGrpcError(error, 'cancelled'));
    const many = readSchema('test.v1', table)('Echo', 'Many');
    let count = 0;
    for await (const _ of connection.stream({ method: many, message: {}, timeoutMs: 5000 })) count++;
    assert.equal(count, 2);
    connection.close();
  });
});

test('a runtime that is not there is unavailable at once', async () => {
  const cri = connectCri({ socketPath: '/nonexistent/cri.sock', now: Date.now });
  await assert.rejects(cri.runtime.version(), error => isGrpcError(error, 'unavailable'));
  cri.close();
});
