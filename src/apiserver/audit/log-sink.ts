import { appendFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { Clock, Log, Meter } from '#base';
import { type AuditSink, createLossCounter } from './sink.ts';

export interface LogSinkOptions {
  /** `-` is standard output. */
  readonly path: string;
  /** 0: upstream's 100 MiB. */
  readonly maxSizeMebibytes: number;
  /** Days; 0: kept whatever their age. */
  readonly maxAgeDays: number;
  /** 0: all are kept. */
  readonly maxBackups: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** Lines that wait for the disk: beyond that they are dropped. */
const maxWaitingBytes = 64 * 1024 * 1024;
const mebibyte = 1024 * 1024;
const dayMs = 24 * 3600 * 1000;
const ownerOnly = 0o600;
/** Complaints about losses come at most this often. */
const complainMs = 10_000;

/** One JSON line an event, in files that are put aside by size as lumberjack does. */
export function createLogSink(options: LogSinkOptions): AuditSink {
  const { path, log, clock } = options;
  const countLoss = createLossCounter(options.meter, 'log');
  let waiting: string[] = [];
  let waitingBytes = 0;
  let writing: Promise<void> | undefined;
  let complainedMs = Number.NEGATIVE_INFINITY;
  const lose = (count: number, error: unknown) => {
    countLoss(count);
    if (clock.monotonicMs() - complainedMs < complainMs) return;
    complainedMs = clock.monotonicMs();
    log.error('audit events were lost', { file: path, count, error });
  };
  const file = createFile(options);
  const drain = async () => {
    while (waiting.length > 0) {
      const lines = waiting;
      [waiting, waitingBytes] = [[], 0];
      await file.append(lines.join('')).catch((error: unknown) => lose(lines.length, error));
    }
    writing = undefined;
  };
  return {
    accept(event) {
      const line = `${JSON.stringify(event)}\n`;
      if (waitingBytes + line.length > maxWaitingBytes) {
        lose(1, 'the disk is too slow');
        return;
      }
      waiting.push(line);
      waitingBytes += line.length;
      // The lines of one turn go out together.
      writing ??= new Promise<void>(resolve => setImmediate(() => void drain().then(resolve)));
    },
    async [Symbol.asyncDispose]() {
      while (writing) await writing;
    },
  };
}

function createFile(options: LogSinkOptions) {
  const { path, clock } = options;
  const maxBytes = (options.maxSizeMebibytes || 100) * mebibyte;
  let sizeBytes: number | undefined;
  if (path === '-') return { append: (text: string) => appendFile('/dev/stdout', text) };
  return {
    async append(text: string): Promise<void> {
      await makeFolder(dirname(path));
      sizeBytes ??= await stat(path).then(
        ({ size }) => size,
        () => 0, // there is none yet
      );
      const bytes = Buffer.byteLength(text);
      if (sizeBytes > 0 && sizeBytes + bytes > maxBytes) {
        await rename(path, backupName(path, clock.now()));
        sizeBytes = 0;
        await removeOld(options);
      }
      await appendFile(path, text, { mode: ownerOnly });
      sizeBytes += bytes;
    },
  };
}

/** Step by step: Node's own recursive mkdir never comes back from some file systems (/proc). */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    const parent = await stat(dirname(path)).catch(() => undefined);
    // The parent is there, and nevertheless nothing can be made in it.
    if (parent) throw error;
    await makeFolder(dirname(path));
    await mkdir(path, { mode: 0o700 });
  }
}

/** `audit-2026-01-01T12-00-00.000.log`, as lumberjack names them. */
function backupName(path: string, nowMs: number): string {
  const extension = extname(path);
  const stamp = new Date(nowMs).toISOString().replace(/:/g, '-').replace('Z', '');
  return join(dirname(path), `${basename(path, extension)}-${stamp}${extension}`);
}

async function removeOld({ path, maxBackups, maxAgeDays, clock }: LogSinkOptions): Promise<void> {
  const extension = extname(path);
  const prefix = `${basename(path, extension)}-`;
  const backups = (await readdir(dirname(path)))
    .filter(name => name.startsWith(prefix) && name.endsWith(extension))
    .map(name => ({ name, madeMs: madeAt(name.slice(prefix.length, name.length - extension.length)) }))
    .filter(({ madeMs }) => !Number.isNaN(madeMs))
    .sort((a, b) => b.madeMs - a.madeMs);
  const oldestMs = maxAgeDays > 0 ? clock.now() - maxAgeDays * dayMs : Number.NEGATIVE_INFINITY;
  for (const [index, { name, madeMs }] of backups.entries()) {
    if ((maxBackups > 0 && index >= maxBackups) || madeMs < oldestMs) await rm(join(dirname(path), name));
  }
}

function madeAt(stamp: string): number {
  return Date.parse(`${stamp.replace(/T(\d\d)-(\d\d)-(\d\d)/, 'T$1:$2:$3')}Z`);
}
