import { chmod, lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '#api';

/** Gives a volume to the pod's fsGroup: all of it, unless the policy says that a right top folder is enough. Source: upstream's volume_linux.go. */
export async function setGroup(path: string, group: number, policy: string | undefined): Promise<void> {
  if (policy === 'OnRootMismatch' && (await isRight(path, group))) return;
  await walk(path, group);
}

async function isRight(path: string, group: number): Promise<boolean> {
  const { gid, mode } = await lstat(path);
  return gid === group && (mode & 0o2770) === 0o2770;
}

async function walk(path: string, group: number): Promise<void> {
  const status = await lstat(path);
  if (status.isDirectory()) for (const name of await readdir(path)) await walk(join(path, name), group);
  if (status.gid !== group) await lchown(path, status.uid, group);
  if (status.isSymbolicLink()) return;
  const wanted = (status.mode & 0o7777) | (status.isDirectory() ? 0o2770 : 0o660);
  // Changing the owner takes the setgid bit away, so the mode comes last.
  await chmod(path, wanted);
}

/** The one user that all containers run as; undefined when they differ or nothing is said. */
export function commonUser(pod: Pod): number | undefined {
  const { containers, initContainers = [], securityContext } = pod.spec;
  const users = new Set(
    [...containers, ...initContainers].map(one => one.securityContext?.runAsUser ?? securityContext?.runAsUser),
  );
  const [user] = users;
  return users.size === 1 ? user : undefined;
}
