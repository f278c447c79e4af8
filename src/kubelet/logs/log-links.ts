import { mkdir, readdir, readlink, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '#api';

/** `<pod>_<namespace>_<container>-<id>.log` in /var/log/containers leads to the log, for collectors that look there. */
export async function linkLog(
  folder: string,
  { pod, container, id, logPath }: { pod: Pod; container: string; id: string; logPath: string },
): Promise<void> {
  const { name, namespace } = pod.metadata;
  await mkdir(folder, { recursive: true });
  const link = join(folder, `${name}_${namespace}_${container}-${id}.log`);
  await rm(link, { force: true });
  await symlink(logPath, link);
}

/** Deletes links whose log is gone. */
export async function removeDeadLinks(folder: string, podLogsDir: string): Promise<void> {
  const names = await readdir(folder).catch(() => []); // no folder: no links
  for (const name of names) {
    const path = join(folder, name);
    const target = await readlink(path).catch(() => undefined); // no link: not ours
    if (!target?.startsWith(podLogsDir)) continue;
    const found = await stat(path).catch(() => undefined); // dangling: what we look for
    if (!found) await rm(path, { force: true });
  }
}
