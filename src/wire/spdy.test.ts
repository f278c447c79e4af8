import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { constants, inflateSync } from 'node:zlib';
import { createSpdyClient, type SpdyStreamEvents } from './spdy.ts';

/** The client's end, and what has been written to the other. */
function connect() {
  const [ours, theirs] = duplexPair();
  const chunks: Buffer[] = [];
  theirs.on('data', chunk => chunks.push(chunk));
  const client = createSpdyClient(ours);
  const settle = () => new Promise(resolve => setImmediate(() => setImmediate(resolve)));
  return { client, ours, theirs, settle, written: () => Buffer.concat(chunks) };
}

function record(): SpdyStreamEvents & { data: string[]; ended: number } {
  const events = {
    data: [] as string[],
    ended: 0,
    onData: (chunk: Buffer) => void events.data.push(chunk.toString()),
    onEnd: () => void events.ended++,
  };
  return events;
}

const dataFrame = (id: number, text: string, flags = 0) => {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(id, 0);
  header.writeUInt32BE((flags << 24) | text.length, 4);
  return Buffer.concat([header, Buffer.from(text)]);
};

/** Frames as [type or stream, flags, body]. */
function parse(bytes: Buffer): [number, number, Buffer][] {
  const frames: [number, number, Buffer][] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUIntBE(at + 5, 3);
    const first = bytes.readUInt32BE(at);
    frames.push([
      first >= 0x80000000 ? first & 0xffff : -first,
      bytes[at + 4]!,
      bytes.subarray(at + 8, at + 8 + length),
    ]);
    at += 8 + length;
  }
  return frames;
}

test('streams are opened with odd numbers, and every inflater reads their headers', async () => {
  const { client, settle, written } = connect();
  client.open({ streamType: 'error' }, record());
  client.open({ streamType: 'stdout' }, record());
  await settle();
  const frames = parse(written());
  assert.deepEqual(
    frames.map(([type, , body]) => [type, body.readUInt32BE(0)]),
    [
      [1, 1],
      [1, 3],
    ],
  );
  const blocks = Buffer.concat(frames.map(([, , body]) => body.subarray(10)));
  const text = inflateSync(blocks, { finishFlush: constants.Z_SYNC_FLUSH });
  assert.deepEqual(
    [...text.toString('latin1').matchAll(/streamtype....(error|stdout)/gs)].map(match => match[1]),
    ['error', 'stdout'],
  );
});

test('data goes both ways, in pieces of any size, and ends half by half', async () => {
  const { client, theirs, settle, written } = connect();
  const events = record();
  const stream = client.open({ streamType: 'stdin' }, events);
  stream.write(Buffer.from('in'));
  stream.end();
  for (const byte of Buffer.concat([dataFrame(1, 'hello'), dataFrame(1, 'bye', 1)])) theirs.write(Buffer.from([byte]));
  await settle();
  assert.deepEqual(events.data.join(''), 'hellobye');
  assert.equal(events.ended, 1);
  const [, sent, end] = parse(written());
  assert.deepEqual([sent![0], sent![2].toString()], [-1, 'in']);
  assert.deepEqual([end![0], end![1]], [-1, 1]);
});

test('a reset stream, and a lost connection, end what is open', async () => {
  const { client, ours, theirs, settle } = connect();
  const [first, second] = [record(), record()];
  client.open({ streamType: 'stdout' }, first);
  client.open({ streamType: 'stderr' }, second);
  theirs.write(Buffer.from('8003000300000008000000010000000b', 'hex'));
  await settle();
  assert.deepEqual([first.ended, second.ended], [1, 0]);
  ours.destroy();
  await client.closed;
  assert.equal(second.ended, 1);
});

test('a ping is answered', async () => {
  const { theirs, settle, written } = connect();
  theirs.write(Buffer.from('800300060000000400000007', 'hex'));
  await settle();
  assert.equal(written().toString('hex'), '800300060000000400000007');
});

test('a frame that is too large ends the connection', async () => {
  const { client, theirs } = connect();
  const events = record();
  client.open({ streamType: 'stdout' }, events);
  theirs.write(Buffer.from('00000001ffffffffff'.slice(0, 16), 'hex'));
  await assert.doesNotReject(
    Promise.race([client.closed.catch(() => undefined), new Promise(resolve => setImmediate(resolve))]),
  );
  assert.deepEqual(events.data, []);
});

test('a frame that is too short to name its stream ends the connection', async () => {
  for (const type of [2, 3]) {
    const { client, theirs } = connect();
    theirs.on('error', () => undefined);
    const over = assert.rejects(client.closed, /SPDY frame of type \d names no stream/);
    theirs.write(Buffer.from([0x80, 3, 0, type, 1, 0, 0, 1, 0]));
    await over;
  }
});
