import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { createFakeClock } from '#base/testing';
import { StreamSink, writePieces } from './http-sink.ts';

const limits = { maxBufferedBytes: 1 << 24, stallMs: 1000 };

/** A peer that takes a piece when told. */
function peer() {
  const taken: Buffer[] = [];
  let take: (() => void) | undefined;
  const stream = new Writable({
    write(chunk, _encoding, done) {
      take = () => {
        taken.push(chunk);
        done();
      };
    },
  });
  stream.on('error', () => undefined);
  return { stream, taken, takeOne: () => take?.() };
}

test('a large piece goes out in blocks, with one waiting behind the other', async () => {
  const { stream, taken, takeOne } = peer();
  const sink = new StreamSink(stream, { limits, clock: createFakeClock() });
  const whole = Buffer.alloc(5_000_000, 'abc');
  const written = writePieces(sink, [whole, Buffer.from('end')]);
  let isOver = false;
  written.then(() => (isOver = true));
  for (let turn = 0; turn < 100 && Buffer.concat(taken).length < whole.length + 3; turn++) {
    assert.ok(sink.bufferedBytes <= 2_000_000, `${sink.bufferedBytes} bytes wait`);
    takeOne();
    await new Promise(resolve => setImmediate(resolve));
  }
  assert.ok(isOver);
  assert.ok(taken.length > 5);
  assert.ok(Buffer.concat(taken).equals(Buffer.concat([whole, Buffer.from('end')])));
});

test('a reader that takes nothing is cut off', async () => {
  const { stream } = peer();
  const clock = createFakeClock();
  const written = writePieces(new StreamSink(stream, { limits, clock }), [Buffer.alloc(5_000_000)]);
  const cutOff = assert.rejects(written, /the peer left/);
  await clock.advance(2 * limits.stallMs + 1);
  await cutOff;
  assert.ok(stream.destroyed);
});
