import type { Duplex, Writable } from 'node:stream';

// ws exports its frame reader and writer, but its types leave them out. Source: ws/lib/receiver.js and ws/lib/sender.js, 8.x.
declare module 'ws' {
  /** Reads frames; emits `message` (data, isBinary), `ping`, `conclude`, `error`. */
  export class Receiver extends Writable {
    constructor(options: { isServer: boolean; maxPayload: number; binaryType: 'nodebuffer' });
  }
  /** Writes frames. */
  export class Sender {
    constructor(socket: Duplex);
    send(
      data: Buffer,
      options: { binary: boolean; compress: boolean; fin: boolean; mask: boolean },
      done: () => void,
    ): void;
    pong(data: Buffer, mask: boolean, done: () => void): void;
    close(code: number, reason: Buffer, mask: boolean, done: () => void): void;
  }
}
