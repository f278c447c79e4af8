import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { isWebSocketRequest, offeredProtocols, type WebSocketConnection, webSocketAnswer } from './websocket.ts';
import { openWebSocket } from './websocket-frames.ts';

/** A server that hands over its connections; the client is the whole of ws. */
async function serve(onMessage: (message: Buffer, connection: WebSocketConnection) => void) {
  const closed = Promise.withResolvers<void>();
  const server: Server = createServer();
  server.on('upgrade', (request, socket, head) => {
    const headers = request.headers as Record<string, string | undefined>;
    assert.ok(isWebSocketRequest(headers));
    const answer = webSocketAnswer(headers, offeredProtocols(headers)[1]);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\n${Object.entries(answer)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}\r\n`,
    );
    const connection: WebSocketConnection = openWebSocket(socket, head, {
      onMessage: message => onMessage(message, connection),
      onClose: () => closed.resolve(),
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    closed: closed.promise,
    [Symbol.asyncDispose]: async () => void (await new Promise(resolve => server.close(resolve))),
  };
}

test('messages go both ways under the protocol that was chosen', async () => {
  await using server = await serve((message, connection) =>
    connection.send(Buffer.concat([message, Buffer.from('!')])),
  );
  const client = new WebSocket(server.url, ['a', 'b']);
  await once(client, 'open');
  assert.equal(client.protocol, 'b');
  client.send(Buffer.from('hello'));
  const [answer] = await once(client, 'message');
  assert.equal(String(answer), 'hello!');
  client.close();
  await server.closed;
});

test('the server closes with a code and a reason', async () => {
  await using server = await serve((_, connection) => connection.close(1000, 'enough'));
  const client = new WebSocket(server.url, ['a', 'b']);
  await once(client, 'open');
  client.send('x');
  const [code, reason] = await once(client, 'close');
  assert.deepEqual([code, String(reason)], [1000, 'enough']);
});

test('a client that vanishes is noticed', async () => {
  await using server = await serve(() => undefined);
  const client = new WebSocket(server.url, ['a', 'b']);
  await once(client, 'open');
  client.terminate();
  await server.closed;
});

test('a message over the limit ends the connection', async () => {
  await using server = await serve(() => assert.fail('must not arrive'));
  const client = new WebSocket(server.url, ['a', 'b']);
  client.on('error', () => undefined); // the reset is what is expected
  await once(client, 'open');
  client.send(Buffer.alloc(17 * 1024 * 1024));
  await server.closed;
});
