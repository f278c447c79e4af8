import { constants } from 'node:fs';
import { access, readdir, readFile, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '#base';
import { createSystemClock } from '#base';
import type { Exec } from '../exec.ts';
import { CommandError } from '../exec.ts';
import { tryListen } from './listen.ts';

/** Room left on a file system. */
export interface DiskRoom {
  freeBytes: number;
  freeInodes: number;
  /** 0 where the file system makes inodes as it needs them. */
  inodes: number;
}

/** The machine as the checks see it. */
export interface Machine {
  exec: Exec;
  /** Undefined when there is no such file or it may not be read. */
  read(path: string): Promise<string | undefined>;
  exists(path: string): Promise<boolean>;
  writable(path: string): Promise<boolean>;
  executable(path: string): Promise<boolean>;
  /** Names in a folder; none when it is not there. */
  names(path: string): Promise<string[]>;
  disk(path: string): Promise<DiskRoom>;
  /** The errno name of what hinders (`EADDRINUSE`); undefined when the port is free. */
  listen(port: number, protocol: 'tcp' | 'udp'): Promise<string | undefined>;
  nowMs(): number;
}

export interface ProbeDeps {
  exec: Exec;
  /** The machine's own unless told. */
  clock?: Pick<Clock, 'now'>;
  /** Stands before every path of the system that is read: `/` but in tests. */
  root?: string;
  disk?: Machine['disk'];
  listen?: Machine['listen'];
}

export function createMachine({ exec, clock = createSystemClock(), root = '/', disk, listen }: ProbeDeps): Machine {
  const can = (path: string, mode: number) =>
    access(join(root, path), mode).then(
      () => true,
      () => false,
    );
  return {
    exec,
    read: path => readFile(join(root, path), 'utf8').catch(() => undefined),
    exists: path => can(path, constants.F_OK),
    writable: path => can(path, constants.W_OK),
    executable: path => can(path, constants.X_OK),
    names: path => readdir(join(root, path)).catch(() => []),
    disk: disk ?? readDisk,
    listen: listen ?? tryListen,
    nowMs: () => clock.now(),
  };
}

/** Runs a program only to see whether it works: what it printed, or what it complained of. */
export async function attempt(
  { exec }: Pick<Machine, 'exec'>,
  line: readonly string[],
  input?: string,
): Promise<{ output: string; trouble?: never } | { trouble: string; output?: never }> {
  const [program = '', ...args] = line;
  try {
    return { output: (await exec.run({ program, args, input, timeoutMs: 10_000 })).stdout.trim() };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { trouble: error.stderr.trim().split('\n')[0] || error.message };
  }
}

/** The folder itself, or the nearest one above it that is there. */
export async function nearestFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const there = await access(folder).then(
      () => true,
      () => false,
    );
    if (there || folder === dirname(folder)) return folder;
  }
}

async function readDisk(path: string): Promise<DiskRoom> {
  const { bavail, bsize, ffree, files } = await statfs(path);
  return { freeBytes: bavail * bsize, freeInodes: ffree, inodes: files };
}
