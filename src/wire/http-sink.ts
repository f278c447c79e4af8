import type { Writable } from 'node:stream';
import type { Clock } from '#base';
import type { Sink } from './http.ts';

/** What a slow reader may cost. */
export interface SinkLimits {
  /** A peer with more than this waiting for it is cut off. */
  readonly maxBufferedBytes: number;
  /** A peer that takes nothing for this long while the writer waits is cut off. */
  readonly stallMs: number;
}

/** Small pieces are copied together into blocks of this size before they are written: one TLS record holds 16 KiB. */
const blockBytes = 512 * 1024;

/** Writes an answer's body into a Node stream. A peer that leaves, stalls or lets too much pile up ends in a rejected `drained`. */
export class StreamSink implements Sink {
  readonly #stream: Writable;
  readonly #limits: SinkLimits;
  readonly #clock: Clock;
  #waiting: Promise<void> | undefined;
  #newest: Promise<void> = Promise.resolve();

  constructor(stream: Writable, options: { limits: SinkLimits; clock: Clock }) {
    this.#stream = stream;
    this.#limits = options.limits;
    this.#clock = options.clock;
  }

  get bufferedBytes(): number {
    return this.#stream.writableLength;
  }

  write(chunk: Uint8Array): boolean {
    const stream = this.#stream;
    if (stream.destroyed || stream.writableEnded) return true;
    const room = stream.write(chunk);
    if (!room && stream.writableLength > this.#limits.maxBufferedBytes) {
      stream.destroy(new Error('the reader is too slow'));
    }
    return room;
  }

  drained(): Promise<void> {
    const stream = this.#stream;
    if (stream.destroyed) return Promise.reject(new Error('the peer left'));
    if (!stream.writableNeedDrain) return Promise.resolve();
    this.#waiting ??= this.#wait();
    return this.#waiting;
  }

  /** Writes a block and resolves when the one before it is taken: the next is there when the stream asks for it. Rejects when the peer left. */
  async writeBehind(block: Uint8Array): Promise<void> {
    const before = this.#newest;
    this.#newest = this.#take(block);
    // It is awaited with the next block; by then an error would count as unhandled.
    this.#newest.catch(() => undefined);
    await before;
  }

  #take(block: Uint8Array): Promise<void> {
    const stream = this.#stream;
    if (stream.destroyed) return Promise.reject(new Error('the peer left'));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stalled = () => stream.destroy(new Error('the reader stopped reading'));
    // Its own time begins when the block before it is taken.
    const timer = this.#clock.timer(2 * this.#limits.stallMs, stalled, { unref: true });
    const settle = (error?: unknown) => {
      timer[Symbol.dispose]();
      stream.off('close', settle);
      if (error || stream.destroyed) reject(new Error('the peer left'));
      else resolve();
    };
    stream.on('close', settle);
    stream.write(block, settle);
    return promise;
  }

  #wait(): Promise<void> {
    const stream = this.#stream;
    return new Promise((resolve, reject) => {
      const stalled = () => stream.destroy(new Error('the reader stopped reading'));
      const timer = this.#clock.timer(this.#limits.stallMs, stalled, { unref: true });
      const settle = (done: () => void) => () => {
        timer[Symbol.dispose]();
        stream.off('drain', drained);
        stream.off('close', closed);
        this.#waiting = undefined;
        done();
      };
      const drained = settle(resolve);
      const closed = settle(() => reject(new Error('the peer left')));
      stream.on('drain', drained);
      stream.on('close', closed);
    });
  }
}

/** Writes a list of pieces in blocks; while one is on its way the next one waits behind it. Rejects when the peer leaves. */
export async function writePieces(sink: StreamSink, pieces: readonly Uint8Array[]): Promise<void> {
  for (const block of toBlocks(pieces)) await sink.writeBehind(block);
}

/** The same bytes in pieces of about `blockBytes`: thousands of small writes cost more than copying, and a large one hides a reader's progress. */
function* toBlocks(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  for (let start = 0; start < pieces.length; ) {
    const first = pieces[start]!;
    let bytes = first.length;
    let end = start + 1;
    while (end < pieces.length && bytes + pieces[end]!.length <= blockBytes) bytes += pieces[end++]!.length;
    if (end > start + 1) yield copyTogether(pieces, { start, end, bytes });
    else for (let at = 0; at < bytes; at += blockBytes) yield first.subarray(at, at + blockBytes);
    start = end;
  }
}

function copyTogether(pieces: readonly Uint8Array[], range: { start: number; end: number; bytes: number }): Uint8Array {
  const block = Buffer.allocUnsafeSlow(range.bytes);
  let at = 0;
  for (let index = range.start; index < range.end; index++) {
    const piece = pieces[index]!;
    block.set(piece, at);
    at += piece.length;
  }
  return block;
}
