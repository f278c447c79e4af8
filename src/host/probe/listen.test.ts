import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { tryListen } from './listen.ts';

test('a port that somebody listens on, if only on one address, is in use until he ends', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  assert.equal(await tryListen(port, 'tcp'), 'EADDRINUSE');
  server.close();
  await once(server, 'close');
  assert.equal(await tryListen(port, 'tcp'), undefined);
});

test('the same for UDP', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  assert.equal(await tryListen(port, 'udp'), 'EADDRINUSE');
  socket.close();
  await once(socket, 'close');
  assert.equal(await tryListen(port, 'udp'), undefined);
});
