import { readdirSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { arch, cpus, machine, release, totalmem } from 'node:os';
import { join } from 'node:path';

/** What the machine is and has. */
export interface Machine {
  architecture: string;
  milliCpu: number;
  memoryBytes: number;
  kernelVersion: string;
  osImage: string;
  machineId: string;
  systemUuid: string;
  bootId: string;
  /** Bytes of preallocated pages by size name: `2Mi`. */
  hugepages: Readonly<Record<string, number>>;
  swapBytes: number;
}

const architectures: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'arm',
  ppc64: 'ppc64le',
  s390x: 's390x',
};

/** Files that are missing leave their member empty. */
export function readMachine(): Machine {
  const osRelease = readText('/etc/os-release');
  return {
    architecture: architectures[arch()] ?? machine(),
    milliCpu: cpus().length * 1000,
    memoryBytes: totalmem(),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? 'Linux',
    machineId: readText('/etc/machine-id').trim(),
    systemUuid: readText('/sys/class/dmi/id/product_uuid').trim() || readText('/etc/machine-id').trim(),
    bootId: readText('/proc/sys/kernel/random/boot_id').trim(),
    hugepages: readHugepages(),
    swapBytes: Number(/^SwapTotal:\s+(\d+) kB$/m.exec(readText('/proc/meminfo'))?.[1] ?? 0) * 1024,
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not every machine has it, and containers often have not.
    return '';
  }
}

function readHugepages(root = '/sys/kernel/mm/hugepages'): Record<string, number> {
  let names: string[] = [];
  try {
    names = readdirSync(root);
  } catch {
    // The kernel has none.
  }
  const entries = names.flatMap(name => {
    const sizeKb = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1]);
    if (!sizeKb) return [];
    const pages = Number(readText(join(root, name, 'nr_hugepages')));
    const label = sizeKb >= 1 << 20 ? `${sizeKb >> 20}Gi` : sizeKb >= 1024 ? `${sizeKb >> 10}Mi` : `${sizeKb}Ki`;
    return [[label, pages * sizeKb * 1024] as const];
  });
  return Object.fromEntries(entries);
}

/** Free memory that a new process could have. */
export function availableMemory(): number {
  return Number(/^MemAvailable:\s+(\d+) kB$/m.exec(readText('/proc/meminfo'))?.[1] ?? 0) * 1024;
}

/** Processes and threads that may still be made, of how many. */
export function availablePids(): { available: number; total: number } {
  const total = Number(readText('/proc/sys/kernel/pid_max')) || 32768;
  const running = Number(/\d+\/(\d+)/.exec(readText('/proc/loadavg'))?.[1] ?? 0);
  return { available: total - running, total };
}

export interface FilesystemState {
  totalBytes: number;
  availableBytes: number;
  totalInodes: number;
  freeInodes: number;
}

export async function readFilesystem(path: string): Promise<FilesystemState> {
  const { blocks, bavail, bsize, files, ffree } = await statfs(path);
  return { totalBytes: blocks * bsize, availableBytes: bavail * bsize, totalInodes: files, freeInodes: ffree };
}
