import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface MountPoint {
  path: string;
  /** `tmpfs`, `overlay`, ... */
  type: string;
  /** What is mounted: a device, or the file system's name. */
  source: string;
  /** Below which folder of its file system; `/` unless it is a bind mount of a part. */
  root: string;
  shared: boolean;
}

/** Something could not be mounted or unmounted; the message is the program's. */
export class MountError extends Error {
  override readonly name = 'MountError';
}

/** The mount table of this machine (of the mount namespace that we are in). */
export interface Mounts {
  list(): Promise<MountPoint[]>;
  /** A file system in memory. `sizeBytes` absent: half of the memory, the kernel's own limit. */
  tmpfs(path: string, options?: { sizeBytes?: number | undefined; mode?: number | undefined }): Promise<void>;
  /** Shows `source` at `path` too, with everything mounted below it. */
  bind(source: string, path: string): Promise<void>;
  /** Mounts made below `path` become visible in the namespaces of containers, and theirs here. */
  makeShared(path: string): Promise<void>;
  /** A path where nothing is mounted is left as it is. `lazy` detaches one that is in use. */
  unmount(path: string, options?: { lazy?: boolean }): Promise<void>;
}

/** Mounts through mount(8) and umount(8); needs root. */
export function createMounts(): Mounts {
  return {
    list: async () => parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8')),
    tmpfs: (path, { sizeBytes, mode } = {}) => {
      const options = [sizeBytes && `size=${sizeBytes}`, mode !== undefined && `mode=${mode.toString(8)}`];
      const text = options.filter(Boolean).join(',');
      return program('mount', ['-n', '-t', 'tmpfs', ...(text ? ['-o', text] : []), 'tmpfs', path]);
    },
    bind: (source, path) => program('mount', ['-n', '--rbind', source, path]),
    makeShared: path => program('mount', ['-n', '--make-rshared', path]),
    async unmount(path, { lazy } = {}) {
      try {
        await program('umount', ['-n', ...(lazy ? ['-l'] : []), path]);
      } catch (error) {
        if (!/not mounted|no mount point|not found/i.test((error as Error).message)) throw error;
      }
    },
  };
}

async function program(name: string, args: readonly string[]): Promise<void> {
  try {
    await run(name, [...args], { timeout: 30_000 });
  } catch (cause) {
    const { stderr, message } = cause as Error & { stderr?: string };
    throw new MountError(stderr?.trim() || message, { cause });
  }
}

/** Reads the text of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export function parseMountInfo(text: string): MountPoint[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map(line => {
      const [before = '', after = ''] = line.split(' - ');
      const [, , , root = '/', path = '', , ...optional] = before.split(' ');
      const [type = '', source = ''] = after.split(' ');
      const shared = optional.some(field => field.startsWith('shared:'));
      return { path: unescapePath(path), type, source: unescapePath(source), root: unescapePath(root), shared };
    });
}

function unescapePath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
