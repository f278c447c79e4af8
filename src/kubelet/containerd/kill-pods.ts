import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#base';
import type { Cgroups, Mounts } from '#host';
import type { ContainerdConfig } from './containerd-config.ts';
import { descendantsOf, listProcesses, type ProcessInfo, sendSignal } from './processes.ts';

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

const lookMs = 50;
const netnsDir = '/run/netns';
const cniCacheDir = '/var/lib/cni/results';

/**
 * Ends every container, shim and containerd of one installation, running or left over, and takes their mounts, network namespaces and control groups
 * away. Images and volumes stay. Others' containers on this machine are left alone: ours are known by the socket that their shims were given.
 */
export async function killPods(options: KillOptions): Promise<void> {
  const { containerd, say } = options;
  const namespaces = await podNamespaces(options);
  await endContainers(options);
  await endAll(options, one => one.args.includes(containerd.configPath), 'containerd');
  const unmounted = await unmountAll(options);
  if (unmounted) say(`unmounted ${unmounted} file systems`);
  for (const path of namespaces.paths) await removeNamespace(path, options.mounts);
  for (const path of namespaces.notes) await rm(path, { force: true });
  if (namespaces.paths.length) say(`removed ${namespaces.paths.length} network namespaces`);
  await removeCgroups(options.cgroups, options.cgroupRoot);
  await rm(containerd.stateDir, { recursive: true, force: true });
}

const isShimOf = (socketPath: string) => (one: ProcessInfo) =>
  (one.args[0]?.includes('containerd-shim') ?? false) && one.args.includes(socketPath);

/** A request to end first, as databases like it; the pause processes do not hear it and need not. */
async function endContainers({ containerd, clock, graceMs, say }: KillOptions): Promise<void> {
  const isShim = isShimOf(containerd.socketPath);
  const look = () => {
    const all = listProcesses();
    const shims = all.filter(isShim);
    const below = descendantsOf(
      shims.map(({ pid }) => pid),
      all,
    );
    return { shims, below };
  };
  const isPause = ({ args }: ProcessInfo) => args.length === 1 && args[0] === '/pause';
  const first = look();
  for (const one of first.below) if (!isPause(one)) sendSignal(one.pid, 'SIGTERM');
  const untilMs = clock.monotonicMs() + graceMs;
  while (look().below.some(one => !isPause(one)) && clock.monotonicMs() < untilMs) await clock.sleep(lookMs);
  // A shim that sees its container end would call containerd; both go together.
  for (;;) {
    const { shims, below } = look();
    if (shims.length + below.length === 0) break;
    for (const one of [...shims, ...below]) sendSignal(one.pid, 'SIGKILL');
    await clock.sleep(lookMs);
  }
  if (first.shims.length) say(`ended ${first.shims.length} pods`);
}

async function endAll(
  { clock, graceMs, say }: KillOptions,
  isMeant: (one: ProcessInfo) => boolean,
  what: string,
): Promise<void> {
  const untilMs = clock.monotonicMs() + graceMs;
  const found = () => listProcesses().filter(one => one.pid !== process.pid && isMeant(one));
  const first = found();
  for (const one of first) sendSignal(one.pid, 'SIGTERM');
  for (let left = found(); left.length; left = found()) {
    if (clock.monotonicMs() > untilMs) for (const one of left) sendSignal(one.pid, 'SIGKILL');
    await clock.sleep(lookMs);
  }
  if (first.length) say(`stopped ${what}`);
}

/** Deepest first. What is busy is detached: its last user has just been killed. */
async function unmountAll({ mounts, containerd, kubeletRootDir }: KillOptions): Promise<number> {
  const roots = [containerd.stateDir, containerd.rootDir, kubeletRootDir];
  const isBelow = (path: string) => roots.some(root => path === root || path.startsWith(`${root}/`));
  const paths = (await mounts.list()).map(({ path }) => path).filter(isBelow);
  // The table is in the order of mounting: what came last goes first.
  for (const path of paths.reverse()) await mounts.unmount(path, { lazy: true });
  return paths.length;
}

/** The network namespaces of pods that have an address of ours, and the notes about them that the CNI library keeps. */
async function podNamespaces({ cniStateDir }: KillOptions): Promise<{ paths: string[]; notes: string[] }> {
  const ids = new Set<string>();
  for (const network of await list(cniStateDir)) {
    for (const name of await list(join(cniStateDir, network))) {
      if (!/^[\d.]+$|^[\da-f:]+$/.test(name)) continue;
      ids.add((await readFile(join(cniStateDir, network, name), 'utf8')).split(/\s/)[0]!);
    }
  }
  const names = (await list(cniCacheDir)).filter(name => ids.has(name.split('-').at(-2) ?? ''));
  const notes = names.map(name => join(cniCacheDir, name));
  const paths = new Set<string>();
  for (const note of notes) {
    const [, name] = /"sandbox":"\/(?:var\/)?run\/netns\/([\w-]+)"/.exec(await readFile(note, 'utf8')) ?? [];
    if (name) paths.add(join(netnsDir, name));
  }
  return { paths: [...paths], notes };
}

async function removeNamespace(path: string, mounts: Mounts): Promise<void> {
  await mounts.unmount(path, { lazy: true });
  await rm(path, { force: true });
}

/** Leaves first; groups that still hold processes are others' and stay. */
async function removeCgroups(cgroups: Cgroups, path: string): Promise<void> {
  for (const child of await cgroups.children(path)) await removeCgroups(cgroups, join(path, child));
  await cgroups.remove(path);
}

async function list(folder: string): Promise<string[]> {
  return existsSync(folder) ? readdir(folder) : [];
}
