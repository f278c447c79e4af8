import { watch } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import type { Sink } from '#wire';
import { parseLogLine } from './log-line.ts';
import type { LogOptions } from './log-options.ts';

export interface ReadLogRequest {
  path: string;
  options: LogOptions;
  sink: Sink;
  signal: AbortSignal;
  /** Asked when the end of the file is reached while following: false ends the reading. */
  isRunning(): Promise<boolean>;
}

const blockBytes = 64 * 1024;
/** How long a following reader waits for the file to change before it asks whether the container still runs. */
const followCheckMs = 1000;

/** Sends the wanted part of a log file. With `follow` it goes on, over rotations, until the container ends or the reader leaves. */
export async function readLog(request: ReadLogRequest): Promise<void> {
  const writer = createLineWriter(request);
  let file = await open(request.path, 'r');
  try {
    let position = await startPosition(file, request.options.tailLines);
    for (;;) {
      position = await copyLines({ file, position, writer, signal: request.signal });
      if (writer.isFull() || !request.options.follow || request.signal.aborted) return;
      // Asked before the last look at the file, so that nothing written before the end is missed.
      const running = await request.isRunning();
      if (await hasGrown(file, position)) continue;
      const rotated = await reopenIfRotated(file, request.path);
      if (rotated) {
        // What was still written to the old one after the look at its size.
        await copyLines({ file, position, writer, signal: request.signal });
        await file.close();
        file = rotated;
        position = 0;
        continue;
      }
      if (!running) return;
      await waitForChange(request.path, request.signal);
    }
  } finally {
    await file.close();
  }
}

interface LineWriter {
  write(line: Buffer): Promise<void>;
  isFull(): boolean;
}

function createLineWriter({ options, sink }: ReadLogRequest): LineWriter {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  /** The piece before, of the same stream, had no line feed: no second timestamp. */
  const open = { stdout: false, stderr: false };
  return {
    isFull: () => left <= 0,
    async write(line) {
      const parsed = parseLogLine(line);
      if (!parsed || (options.stream && parsed.stream !== options.stream)) return;
      if (options.sinceMs !== undefined && Date.parse(parsed.time) < options.sinceMs) return;
      const time = options.timestamps && !open[parsed.stream] ? Buffer.from(`${parsed.time} `) : Buffer.alloc(0);
      open[parsed.stream] = !parsed.isWhole;
      const text = Buffer.concat([time, parsed.text, Buffer.from(parsed.isWhole ? '\n' : '')]);
      const part = text.subarray(0, Math.min(text.length, left));
      left -= part.length;
      if (part.length && !sink.write(part)) await sink.drained();
    },
  };
}

/** Copies whole lines from a position to the end; gives the position after the last whole line. */
async function copyLines(options: {
  file: FileHandle;
  position: number;
  writer: LineWriter;
  signal: AbortSignal;
}): Promise<number> {
  const { file, writer, signal } = options;
  let { position } = options;
  let rest: Buffer = Buffer.alloc(0);
  for (;;) {
    const block = Buffer.alloc(blockBytes);
    const { bytesRead } = await file.read(block, 0, blockBytes, position + rest.length);
    if (bytesRead === 0 || signal.aborted) return position;
    let data = Buffer.concat([rest, block.subarray(0, bytesRead)]);
    for (let end = data.indexOf(10); end >= 0 && !writer.isFull(); end = data.indexOf(10)) {
      await writer.write(data.subarray(0, end));
      position += end + 1;
      data = data.subarray(end + 1);
    }
    if (writer.isFull()) return position;
    rest = data;
  }
}

/** Where the last `tailLines` lines begin, found from the end so that a large file is not read whole. Pieces of a split line count as one. */
async function startPosition(file: FileHandle, tailLines: number | undefined): Promise<number> {
  if (tailLines === undefined) return 0;
  const { size } = await file.stat();
  if (tailLines === 0) return size;
  let found = 0;
  let end = size;
  let tail: Buffer = Buffer.alloc(0);
  while (end > 0) {
    const start = Math.max(0, end - blockBytes);
    const block = Buffer.alloc(end - start);
    await file.read(block, 0, block.length, start);
    const data = Buffer.concat([block, tail]);
    let lineEnd = data.length;
    for (let at = data.lastIndexOf(10, lineEnd - 1); at >= 0; at = at > 0 ? data.lastIndexOf(10, at - 1) : -1) {
      if (at + 1 < data.length && endsLine(data, at + 1, lineEnd)) found++;
      if (found > tailLines) return start + lineEnd;
      lineEnd = at + 1;
    }
    tail = data.subarray(0, lineEnd);
    end = start;
  }
  // The first line of the file has no line feed before it.
  if (tail.length > 0 && endsLine(tail, 0, tail.length)) found++;
  return found > tailLines ? tail.length : 0;
}

/** True when the line between the positions is a whole one (tag F), so that it ends what the reader sees as a line. */
function endsLine(data: Buffer, start: number, end: number): boolean {
  const lineFeed = data[end - 1] === 10 ? end - 1 : end;
  return parseLogLine(data.subarray(start, lineFeed))?.isWhole ?? true;
}

async function hasGrown(file: FileHandle, position: number): Promise<boolean> {
  return (await file.stat()).size > position;
}

/** The new file, when rotation has put one in place of the one that is open. */
async function reopenIfRotated(file: FileHandle, path: string): Promise<FileHandle | undefined> {
  const [opened, current] = [await file.stat(), await stat(path).catch(() => undefined)];
  return current && current.ino !== opened.ino ? open(path, 'r') : undefined;
}

/** Resolves when the file changes, after a second, or when the reader leaves. */
function waitForChange(path: string, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wait = AbortSignal.any([signal, AbortSignal.timeout(followCheckMs)]);
  wait.addEventListener('abort', () => resolve(), { once: true });
  try {
    const watcher = watch(path, { signal: wait }, () => resolve());
    watcher.on('error', () => resolve()); // the file is gone: the caller looks again
    void promise.then(() => watcher.close());
  } catch {
    // No watch to be had (too many, or the file is gone): the second passes, and the caller looks again.
  }
  return promise;
}
