import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { VolumeError } from './volume-error.ts';

export interface PayloadFile {
  bytes: Buffer;
  /** Permission bits. */
  mode: number;
  /** Owner, when it is not root. */
  uid?: number | undefined;
}

/** Files by their path relative to the volume; `a/b/c` makes folders. */
export type Payload = ReadonlyMap<string, PayloadFile>;

/** Linux's limits. */
const [maxPathChars, maxNameBytes] = [4096, 255];

/** Unfinished or outdated folders of files. */
const treePrefix = '..wherry-';

/** The link through which all files are seen: changing it changes all of them at once. */
const dataLink = '..data';

/**
 * Makes `folder` show exactly the payload: readers see the old files or the new ones, never a mixture. Answers false when nothing had to change.
 * Source: upstream's pkg/volume/util/atomic_writer.go.
 */
export async function writePayload(
  folder: string,
  payload: Payload,
  options: { group?: number | undefined } = {},
): Promise<boolean> {
  for (const path of payload.keys()) checkPath(path);
  const old = await readLink(join(folder, dataLink));
  if (old && (await isSame(join(folder, old), payload))) return false;
  const fresh = await mkdtemp(join(folder, treePrefix));
  await writeTree(fresh, payload, options.group);
  const name = basename(fresh);
  await link(name, join(folder, dataLink));
  const tops = new Set(Array.from(payload.keys(), path => path.split('/')[0]!));
  for (const top of tops) {
    if (!(await exists(join(folder, top)))) await link(join(dataLink, top), join(folder, top));
  }
  for (const found of await readdir(folder)) {
    const outdated = found.startsWith('..') ? found.startsWith(treePrefix) && found !== name : !tops.has(found);
    if (outdated) await rm(join(folder, found), { recursive: true, force: true });
  }
  return true;
}

/** The API server refuses such paths; a volume that would write outside itself is refused here too. */
function checkPath(path: string): void {
  const parts = path.split('/');
  const problem =
    (path === '' && 'must not be empty') ||
    (path.startsWith('/') && 'must be relative path') ||
    (parts.includes('..') && "must not contain '..'") ||
    (path.startsWith('..') && "must not begin with '..'") ||
    (path.length > maxPathChars && `must be less than or equal to ${maxPathChars} characters`) ||
    (parts.some(part => Buffer.byteLength(part) > maxNameBytes) &&
      `filenames must be less than or equal to ${maxNameBytes} characters`);
  if (problem) throw new VolumeError(`invalid path: ${problem}: ${path}`);
}

/** A link that replaces the one before in one step. */
async function link(target: string, path: string): Promise<void> {
  const temporary = `${dirname(path)}/..link`;
  await rm(temporary, { force: true });
  await symlink(target, temporary);
  await rename(temporary, path);
}

async function writeTree(folder: string, payload: Payload, group: number | undefined): Promise<void> {
  await chmod(folder, 0o755);
  if (group !== undefined) await chown(folder, 0, group);
  for (const [path, { bytes, mode, uid }] of payload) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await using file = await open(target, 'w', mode);
    await file.writeFile(bytes);
    // The umask has taken bits away.
    await file.chmod(group === undefined ? mode : mode | 0o440);
    if (group !== undefined || uid !== undefined) await file.chown(uid ?? 0, group ?? 0);
  }
}

async function isSame(folder: string, payload: Payload): Promise<boolean> {
  const found = await listFiles(folder, '');
  if (!found || found.length !== payload.size) return false;
  for (const path of found) {
    const wanted = payload.get(path);
    if (!wanted || !(await readFile(join(folder, path))).equals(wanted.bytes)) return false;
    const { mode } = await stat(join(folder, path));
    if ((mode & wanted.mode) !== wanted.mode) return false;
  }
  return true;
}

async function listFiles(folder: string, prefix: string): Promise<string[] | undefined> {
  if (!(await exists(folder))) return undefined;
  const entries = await readdir(join(folder, prefix), { withFileTypes: true });
  const lists = entries.map(async entry => {
    const path = join(prefix, entry.name);
    return entry.isDirectory() ? ((await listFiles(folder, path)) ?? []) : [path];
  });
  return (await Promise.all(lists)).flat();
}

async function readLink(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch {
    // Not written yet.
    return undefined;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    // Not there.
    return false;
  }
}
