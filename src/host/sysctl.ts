import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exec } from './exec.ts';

/** Kernel settings by their dotted name; a name part that holds a dot (a device) is written with a slash: `net/ipv4/conf/a.b/rp_filter`. */
export interface Sysctl {
  /** Undefined when this kernel has no such setting. */
  read(name: string): Promise<string | undefined>;
  /** Writes only when the value differs. Rejects with SysctlError when the setting is missing or may not be written. */
  write(name: string, value: string | number): Promise<void>;
}

/** A kernel setting that could not be read or written; the message names setting, value and reason. */
export class SysctlError extends Error {
  override readonly name = 'SysctlError';
}

/** The settings of this machine and of the network namespace that the process is in. `root` is /proc/sys but in tests. */
export function createSysctl(root = '/proc/sys'): Sysctl {
  const read = async (name: string) => {
    try {
      return (await readFile(join(root, pathOf(name)), 'utf8')).trim();
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw new SysctlError(`sysctl ${name} cannot be read: ${(error as Error).message}`, { cause: error });
    }
  };
  return {
    read,
    async write(name, value) {
      if ((await read(name)) === String(value)) return;
      try {
        // `r+`: a setting that is missing is never created as a file.
        await writeFile(join(root, pathOf(name)), String(value), { flag: 'r+' });
      } catch (error) {
        throw new SysctlError(`sysctl ${name}=${value} cannot be set: ${(error as Error).message}`, { cause: error });
      }
    },
  };
}

/** The settings of another network namespace, through sysctl(8) run by an Exec that enters it. */
export function createExecSysctl(exec: Exec): Sysctl {
  return {
    read: async name => {
      const { stdout } = await exec.run({ program: 'sysctl', args: ['-n', '-e', pathOf(name)] });
      return stdout === '' ? undefined : stdout.trim();
    },
    write: async (name, value) =>
      void (await exec.run({ program: 'sysctl', args: ['-q', '-w', `${pathOf(name)}=${value}`] })),
  };
}

function pathOf(name: string): string {
  return name.includes('/') ? name : name.replaceAll('.', '/');
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code;
}
