import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { translateRemoteCommand } from './remote-command.ts';
import { wordsOfStatus } from './status-words.ts';

test('a Status is told in its words, success in none, and what is no Status as it is', () => {
  const words = (text: string) => wordsOfStatus(Buffer.from(text));
  assert.equal(words('{"status":"Failure","message":"command terminated"}'), 'command terminated');
  assert.equal(words('{"status":"Success"}'), '');
  assert.equal(words('{"status":"Failure"}'), '');
  for (const text of ['container is gone', '{"status":"Fail', 'null', '7', '{}', '{"message":5}', '']) {
    assert.equal(words(text), text);
  }
});

test('a kubelet that answers in plain words does not end the server', { timeout: 20_000 }, async () => {
  const said = Buffer.from('container is gone');
  const header = Buffer.from([0, 0, 0, 1, 0, 0, 0, said.length]);
  const kubelet = createServer().on('upgrade', (_, socket) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n\r\n');
    // The first that it gets opens the error stream.
    socket.once('data', () => socket.write(Buffer.concat([header, said])));
  });
  kubelet.listen(0, '127.0.0.1');
  await once(kubelet, 'listening');
  const [ours, client] = duplexPair();
  try {
    const request = {
      headers: { upgrade: 'websocket', 'sec-websocket-key': 'x', 'sec-websocket-protocol': 'channel.k8s.io' },
    };
    const target = { url: `http://127.0.0.1:${(kubelet.address() as AddressInfo).port}/exec`, headers: {} };
    const wishes = { stdin: false, stdout: false, stderr: false, tty: false };
    const answer = await translateRemoteCommand(request as never, target, wishes);
    assert.equal(answer.status, 101);
    answer.upgrade?.(ours, Buffer.alloc(0));
    let got = '';
    for await (const chunk of client) {
      got += (chunk as Buffer).toString('latin1');
      if (got.endsWith(`\x03${said}`)) break;
    }
    assert.ok(got.endsWith(`\x03${said}`), JSON.stringify(got));
  } finally {
    ours.destroy();
    kubelet.closeAllConnections();
    kubelet.close();
  }
});
