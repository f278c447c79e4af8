import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Clock, Log } from '#base';
import type { CriRuntime } from '#wire';

export interface RotationOptions {
  runtime: CriRuntime;
  clock: Clock;
  log: Log;
  maxSizeBytes: number;
  /** With the one being written. */
  maxFiles: number;
  /** The running containers. */
  running(): readonly { id: string; logPath: string }[];
}

/** Upstream's containerLogMonitorInterval. */
export const rotationMs = 10_000;

/** Moves logs that have grown too large aside. Source: upstream's pkg/kubelet/logs/container_log_manager.go. */
export async function rotateLogs(options: RotationOptions): Promise<void> {
  for (const { id, logPath } of options.running()) {
    const found = await stat(logPath).catch(() => undefined); // not written yet, or just removed
    if (!found || found.size < options.maxSizeBytes) continue;
    try {
      await rotate(options, id, logPath);
    } catch (error) {
      options.log.warn('log not rotated', { path: logPath, error });
    }
  }
}

async function rotate({ runtime, clock, maxFiles }: RotationOptions, id: string, logPath: string): Promise<void> {
  const folder = dirname(logPath);
  const prefix = `${basename(logPath)}.`;
  const old = (await readdir(folder)).filter(name => name.startsWith(prefix)).sort();
  for (const name of old.filter(one => one.endsWith('.tmp'))) await rm(join(folder, name), { force: true });
  const kept = old.filter(name => !name.endsWith('.tmp'));
  // The new one and the one being written stay too.
  while (kept.length > maxFiles - 2 && kept.length > 0) await rm(join(folder, kept.shift()!), { force: true });
  for (const name of kept.filter(one => !one.endsWith('.gz'))) await compress(join(folder, name));
  const stamp = new Date(clock.now()).toISOString().replace(/[-:T]/g, '').slice(0, 14);
  const aside = `${logPath}.${stamp.slice(0, 8)}-${stamp.slice(8)}`;
  await rename(logPath, aside);
  try {
    await runtime.reopenContainerLog(id);
  } catch (error) {
    // The runtime still writes to the file that was moved: it must be found under its name.
    await rename(aside, logPath);
    throw error;
  }
}

async function compress(path: string): Promise<void> {
  await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.tmp`));
  await rename(`${path}.tmp`, `${path}.gz`);
  await rm(path);
}
