import { chmod, mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { HostPathVolumeSource } from '#api';
import { VolumeError } from './volume-error.ts';

type Stats = Awaited<ReturnType<typeof stat>>;

const checks: Readonly<Record<string, { test(stats: Stats): boolean; what: string }>> = {
  Directory: { test: stats => stats.isDirectory(), what: 'a directory' },
  DirectoryOrCreate: { test: stats => stats.isDirectory(), what: 'a directory' },
  File: { test: stats => stats.isFile(), what: 'a file' },
  FileOrCreate: { test: stats => stats.isFile(), what: 'a file' },
  Socket: { test: stats => stats.isSocket(), what: 'a socket file' },
  CharDevice: { test: stats => stats.isCharacterDevice(), what: 'a character device' },
  BlockDevice: { test: stats => stats.isBlockDevice(), what: 'a block device' },
};

/** Checks what the node has at the path, and makes it where the type says so. */
export async function prepareHostPath({ path, type = '' }: HostPathVolumeSource): Promise<void> {
  if (type === '') return;
  const check = checks[type];
  if (!check) throw new VolumeError(`hostPath type check failed: unknown type ${type}`);
  let stats = await stat(path).catch(() => undefined); // missing: made, or said so below
  if (!stats && type.endsWith('OrCreate')) {
    await (type === 'DirectoryOrCreate' ? makeDirectory(path) : makeFile(path));
    stats = await stat(path);
  }
  if (!stats || !check.test(stats)) throw new VolumeError(`hostPath type check failed: ${path} is not ${check.what}`);
}

async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o755 });
  await chmod(path, 0o755);
}

async function makeFile(path: string): Promise<void> {
  const parent = await stat(dirname(path)).catch(() => undefined); // missing parents are not made, as upstream
  if (!parent) throw new VolumeError(`open ${path}: no such file or directory`);
  await (await open(path, 'a', 0o644)).close();
}
