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
import { dirname, join } from 'node:path';

export interface PayloadFile {
  bytes: Buffer;
  /** Permission bits. */
  mode: number;
  /** Owner, when it is not root. */
  uid?: number | undefined;
}

/** Files by their path relative to the volume; `a/b/c` makes folders. */
export type Payload = ReadonlyMap<string, PayloadFile>;

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
  const old = await readLink(join(folder, dataLink));
  if (old && (await isSame(join(folder, old), payload))) return false;
  const fresh = await mkdtemp(join(folder, '..wherry-'));
  await writeTree(fresh, payload, options.group);
  await link(fresh.slice(folder.length + 1), join(folder, dataLink));
  const tops = new Set(Array.from(payload.keys(), path => path.split('/')[0]!));
  for (const name of tops) {
    if (!(await exists(join(folder, name)))) await link(join(dataLink, name), join(folder, name));
  }
  for (const name of await readdir(folder)) {
    if (!name.startsWith('..') && !tops.has(name)) await rm(join(folder, name), { recursive: true });
  }
  if (old) await rm(join(folder, old), { recursive: true, force: true });
  return true;
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
