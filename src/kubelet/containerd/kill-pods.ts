import { existsSync, realpathSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#base';
import type { Cgroups, Mounts } from '#host';
import type { ContainerdConfig } from './containerd-config.ts';
import { endContainers, endProcesses } from './end-containers.ts';
import { type LeftTask, readLeftTasks } from './left-tasks.ts';
import { isContainerd } from './processes.ts';

export interface KillOptions {
  containerd: Pick<ContainerdConfig, 'rootDir' | 'stateDir' | 'socketPath' | 'configPath'>;
  kubeletRootDir: string;
  /** Notes of given-out addresses, by which the network namespaces of our pods are known. */
  cniStateDir: string;
  /** The group above all pods. */
  cgroupRoot: string;
  mounts: Mounts;
  cgroups: Cgroups;
  clock: Clock;
  /** Processes get this long to end by themselves, in milliseconds. */
  graceMs: number;
  /** Takes a line for each thing done. */
  say(line: string): void;
}

const netnsDir = '/run/netns';
const cniCacheDir = '/var/lib/cni/results';
/** A group is busy for a moment after its last process was killed. */
const [groupTries, groupPauseMs] = [20, 100];

/**
 * Ends every container, shim and containerd of one installation, running or left over, and takes their mounts, network namespaces, addresses and
 * control groups away. Images and volumes stay. Others' containers on this machine are left alone: ours are known by the socket that their shims were
 * given, and by the notes in our folders. What cannot be done is said, and the rest goes on; running it again does no harm.
 */
export async function killPods(options: KillOptions): Promise<void> {
  const { containerd, mounts, say } = options;
  const { socketPath, configPath } = containerd;
  const stateDir = existsSync(containerd.stateDir) ? realpathSync(containerd.stateDir) : containerd.stateDir;
  const tasks = await readLeftTasks(stateDir);
  const network = await podNetwork(options, tasks);
  await endContainers({ ...options, socketPath, ids: tasks.map(({ id }) => id) });
  await endProcesses(options, one => isContainerd(one, configPath), 'containerd');
  const stuck = await unmountAll(options);
  for (const path of network.namespaces) await removeNamespace(path, mounts);
  for (const path of network.notes) await rm(path, { force: true });
  if (network.namespaces.length) say(`removed ${network.namespaces.length} network namespaces`);
  await removeGroups(options, tasks);
  for (const { shimSocket } of tasks) if (shimSocket) await rm(shimSocket, { force: true });
  // Removing goes into what is still mounted.
  if (!stuck.some(path => path.startsWith(stateDir))) await rm(stateDir, { recursive: true, force: true });
}

/** Deepest first. What is busy is detached: its last user has just been killed. Answers what could not be unmounted. */
async function unmountAll({ mounts, containerd, kubeletRootDir, say }: KillOptions): Promise<string[]> {
  // The table names real paths.
  const roots = [containerd.stateDir, containerd.rootDir, kubeletRootDir]
    .filter(existsSync)
    .map(one => realpathSync(one));
  const isBelow = (path: string) => roots.some(root => path === root || path.startsWith(`${root}/`));
  const paths = (await mounts.list()).map(({ path }) => path).filter(isBelow);
  const stuck: string[] = [];
  // The table is in the order of mounting: what came last goes first.
  for (const path of paths.reverse()) {
    try {
      await mounts.unmount(path, { lazy: true });
    } catch (error) {
      stuck.push(path);
      say(`${path} stays mounted: ${(error as Error).message}`);
    }
  }
  if (paths.length > stuck.length) say(`unmounted ${paths.length - stuck.length} file systems`);
  return stuck;
}

/** Network namespaces of our pods, by containerd's notes and by given-out addresses; and the notes about both, which must not outlive them. */
async function podNetwork({ cniStateDir }: KillOptions, tasks: readonly LeftTask[]) {
  const addresses: string[] = [];
  const ids = new Set<string>();
  for (const network of await list(cniStateDir)) {
    for (const name of await list(join(cniStateDir, network))) {
      if (!/^[\d.]+$|^[\da-f:]+$/.test(name)) continue;
      const path = join(cniStateDir, network, name);
      addresses.push(path);
      ids.add((await readFile(path, 'utf8')).split(/\s/)[0]!);
    }
  }
  const names = (await list(cniCacheDir)).filter(name => ids.has(name.split('-').at(-2) ?? ''));
  const results = names.map(name => join(cniCacheDir, name));
  const named = tasks.map(one => one.networkNamespace).filter(path => path !== undefined);
  const noted = await Promise.all(
    results.map(async path => /"sandbox":"([^"]+)"/.exec(await readFile(path, 'utf8'))?.[1] ?? ''),
  );
  const paths = [...named, ...noted].map(path => path.replace(/^\/var\/run\//, '/run/'));
  const namespaces = [...new Set(paths)].filter(path => path.startsWith(`${netnsDir}/`) && existsSync(path));
  return { namespaces, notes: [...results, ...addresses] };
}

async function removeNamespace(path: string, mounts: Mounts): Promise<void> {
  await mounts.unmount(path, { lazy: true });
  await rm(path, { force: true });
}

/** Only groups of our pods: other installations may have theirs in the same tree. What is above goes when it is empty. */
async function removeGroups(options: KillOptions, tasks: readonly LeftTask[]): Promise<void> {
  const { cgroups, cgroupRoot, kubeletRootDir, say } = options;
  const classes = [cgroupRoot, join(cgroupRoot, 'burstable'), join(cgroupRoot, 'besteffort')];
  const uids = await list(join(kubeletRootDir, 'pods'));
  const noted = tasks.map(one => one.podGroup).filter(path => path?.startsWith(`${cgroupRoot}/`));
  const groups = new Set([...noted, ...classes.flatMap(path => uids.map(uid => join(path, `pod${uid}`)))]);
  for (const path of groups) {
    if (path && cgroups.exists(path) && !(await removeGroup(options, path)))
      say(`control group ${path} is still in use`);
  }
  for (const path of classes.reverse()) {
    if (cgroups.exists(path) && (await cgroups.children(path)).length === 0) await removeGroup(options, path);
  }
}

async function removeGroup({ cgroups, clock }: KillOptions, path: string): Promise<boolean> {
  for (let tries = 0; tries < groupTries; tries++) {
    if (await cgroups.remove(path)) return true;
    await clock.sleep(groupPauseMs);
  }
  return false;
}

async function list(folder: string): Promise<string[]> {
  return existsSync(folder) ? readdir(folder) : [];
}
