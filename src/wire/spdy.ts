import type { Duplex } from 'node:stream';

/** One stream of a SPDY connection that we opened. */
export interface SpdyStream {
  /** Returns false when the socket is full: then wait for its `drain`. */
  write(chunk: Uint8Array): boolean;
  /** Half-closes: the peer sees the end of its input. */
  end(): void;
}

export interface SpdyStreamEvents {
  onData(chunk: Buffer): void;
  /** The peer will send no more on this stream, or reset it. Called once. */
  onEnd(): void;
}

export interface SpdyClient {
  /** Opens a stream with these headers (upstream sends `streamType`). */
  open(headers: Readonly<Record<string, string>>, events: SpdyStreamEvents): SpdyStream;
  /** Resolves when the connection is over; rejects for a broken one. */
  readonly closed: Promise<void>;
  close(): void;
}

const frame = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7 } as const;
const finFlag = 1;
/** What begins with the number of a stream. */
const namesStream: ReadonlySet<number> = new Set([frame.synReply, frame.rstStream]);
/** Frames larger than this are not what a container runtime sends; the connection is ended. */
const maxFrameBytes = 16 * 1024 * 1024;

/**
 * The client half of SPDY/3.1 as container runtimes and kubelets speak it for exec and attach: we open all streams, and neither side keeps to flow
 * control windows (the Go implementation that they share ignores them; a library that waits for window updates stalls after 64 KiB).
 * Headers that come back are not read: nothing in them is needed. Source: SPDY Protocol, draft 3.1.
 */
export function createSpdyClient(socket: Duplex, head: Uint8Array = new Uint8Array()): SpdyClient {
  const streams = new Map<number, SpdyStreamEvents>();
  const writeHeaders = createHeaderWriter();
  const over = Promise.withResolvers<void>();
  let nextId = 1;
  const end = (id: number) => {
    const events = streams.get(id);
    streams.delete(id);
    events?.onEnd();
  };
  const parser = createFrameParser({
    onData(id, chunk, isLast) {
      streams.get(id)?.onData(chunk);
      if (isLast) end(id);
    },
    onControl(type, flags, body) {
      if (type === frame.ping) socket.write(controlFrame(frame.ping, 0, body));
      else if (type === frame.rstStream) end(body.readUInt32BE(0) & 0x7fffffff);
      else if (type === frame.synReply && flags & finFlag) end(body.readUInt32BE(0) & 0x7fffffff);
    },
    onError: error => socket.destroy(error),
  });
  socket.on('data', (chunk: Buffer) => parser(chunk));
  socket.once('error', over.reject);
  socket.once('close', () => {
    for (const id of [...streams.keys()]) end(id);
    over.resolve();
  });
  over.promise.catch(() => undefined); // callers that do not ask are not bothered
  if (head.length) parser(Buffer.from(head));
  return {
    open(headers, events) {
      const id = nextId;
      nextId += 2;
      streams.set(id, events);
      socket.write(synStream(id, writeHeaders(headers)));
      return {
        write: chunk => socket.write(Buffer.concat([dataHeader(id, 0, chunk.length), chunk])),
        end: () => void socket.write(dataHeader(id, finFlag, 0)),
      };
    },
    closed: over.promise,
    close: () => void socket.end(),
  };
}

function synStream(id: number, block: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt32BE(id, 0);
  return controlFrame(frame.synStream, 0, Buffer.concat([fixed, block]));
}

function controlFrame(type: number, flags: number, body: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(0x8003, 0);
  header.writeUInt16BE(type, 2);
  header.writeUInt32BE((flags << 24) | body.length, 4);
  return Buffer.concat([header, body]);
}

function dataHeader(id: number, flags: number, length: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(id, 0);
  header.writeUInt32BE(((flags << 24) | length) >>> 0, 4);
  return header;
}

/** An empty stored block: Go's inflater gives out what it has only when it meets one, or an error. */
const syncFlush = Buffer.from([0, 0, 0, 0xff, 0xff]);

/**
 * Headers are compressed with one zlib stream for the whole connection. Ours is made of stored blocks, which every inflater reads: a few bytes more, and
 * neither a dictionary nor a compressor that works at its own time. Source: RFC 1950, RFC 1951 3.2.4.
 */
function createHeaderWriter(): (headers: Readonly<Record<string, string>>) => Buffer {
  let start: Buffer = Buffer.from([0x78, 0x01]);
  return headers => {
    const text = nameValueBlock(headers);
    const block = Buffer.alloc(5);
    block.writeUInt16LE(text.length, 1);
    block.writeUInt16LE(text.length ^ 0xffff, 3);
    const written = Buffer.concat([start, block, text, syncFlush]);
    start = Buffer.alloc(0);
    return written;
  };
}

function nameValueBlock(headers: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(headers);
  const text = (value: string) => Buffer.concat([number(Buffer.byteLength(value)), Buffer.from(value)]);
  return Buffer.concat([
    number(pairs.length),
    ...pairs.flatMap(([name, value]) => [text(name.toLowerCase()), text(value)]),
  ]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}

interface FrameEvents {
  onData(id: number, chunk: Buffer, isLast: boolean): void;
  onControl(type: number, flags: number, body: Buffer): void;
  onError(error: Error): void;
}

/** Takes bytes as they come and gives whole frames. */
function createFrameParser(events: FrameEvents): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return chunk => {
    rest = rest.length ? Buffer.concat([rest, chunk]) : chunk;
    while (rest.length >= 8) {
      const first = rest.readUInt32BE(0);
      const flags = rest[4]!;
      const length = rest.readUInt32BE(4) & 0xffffff;
      if (length > maxFrameBytes) return events.onError(new Error(`SPDY frame of ${length} bytes is too large`));
      if (rest.length < 8 + length) return;
      const body = rest.subarray(8, 8 + length);
      rest = rest.subarray(8 + length);
      const type = first & 0xffff;
      if (first & 0x80000000 && namesStream.has(type) && length < 4) {
        return events.onError(new Error(`SPDY frame of type ${type} names no stream`));
      }
      if (first & 0x80000000) events.onControl(type, flags, body);
      else events.onData(first, body, Boolean(flags & finFlag));
    }
  };
}
