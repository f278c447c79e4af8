import { constants } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Mounts } from '#host';
import { VolumeError } from './volume-error.ts';

/** Not among Node's constants: opens a name without the rights to its content. */
const openPath = 0o10000000;

/**
 * Binds the part of a volume that `subPath` names to `target` and answers `target`. What a container can plant in the volume (links that lead outside,
 * also while we look) cannot lead elsewhere: the path is resolved, walked without following links, and the open file is what is bound.
 */
export async function bindSubPath(
  mounts: Mounts,
  { volume, subPath, target }: { volume: string; subPath: string; target: string },
): Promise<string> {
  if (subPath.startsWith('/') || subPath.split('/').includes('..')) {
    throw new VolumeError(`subPath ${JSON.stringify(subPath)} must be a relative path without '..'`);
  }
  const base = await realpath(volume);
  await makeMissing(base, subPath);
  const real = await realpath(join(base, subPath));
  if (real !== base && !real.startsWith(base + sep)) {
    throw new VolumeError(`subpath ${JSON.stringify(subPath)} not within volume path ${volume}`);
  }
  await using opened = await openWithoutLinks(base, relative(base, real));
  const status = await stat(real);
  if ((await mounts.list()).some(mount => mount.path === target)) {
    const before = await stat(target).catch(() => undefined); // deleted beneath the mount
    if (before?.ino === status.ino && before.dev === status.dev) return target;
    // The name means another file by now, as after an update of a ConfigMap.
    await mounts.unmount(target);
  }
  const isDirectory = status.isDirectory();
  if (isDirectory) await mkdir(target, { recursive: true, mode: 0o750 });
  else {
    await mkdir(dirname(target), { recursive: true, mode: 0o750 });
    await writeFile(target, '');
  }
  await mounts.bind(`/proc/${process.pid}/fd/${opened.fd}`, target);
  return target;
}

/** A missing end of the path is made as folders with the rights of the volume, so that whoever may write there may write here. */
async function makeMissing(base: string, subPath: string): Promise<void> {
  const there = await stat(join(base, subPath)).catch(() => undefined); // missing: made now
  if (there) return;
  const parts = subPath.split('/').filter(Boolean);
  const mode = (await stat(base)).mode & 0o2777;
  let at = base;
  for (const part of parts) {
    const next = join(at, part);
    const found = await realpath(next).catch(() => undefined); // missing: made now
    if (found && found !== base && !found.startsWith(base + sep)) {
      throw new VolumeError(`subpath ${JSON.stringify(subPath)} not within volume path ${base}`);
    }
    if (!found) {
      await mkdir(next);
      await chmod(next, mode);
    }
    at = found ?? next;
  }
}

async function openWithoutLinks(base: string, path: string): Promise<FileHandle> {
  const flags = openPath | constants.O_NOFOLLOW;
  let at = await open(base, openPath);
  for (const part of path.split(sep).filter(Boolean)) {
    const next = await open(`/proc/self/fd/${at.fd}/${part}`, flags);
    await at.close();
    at = next;
  }
  return at;
}
