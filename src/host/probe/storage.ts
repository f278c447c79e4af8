import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding, ProbeOptions } from './finding.ts';
import { isRoot } from './kernel.ts';
import type { DiskRoom, Machine } from './machine.ts';
import { attempt, nearestFolder } from './machine.ts';

const gib = 1024 ** 3;
/** containerd, the images that every cluster pulls and the database fit in here, and nothing else. */
const leastBytes = 1 * gib;
const comfortableBytes = 5 * gib;
/** Where Kubernetes' own kubelet starts to evict pods. */
const leastInodes = 0.05;

/** Layers of images are stacked with it. As root it is tried out where the layers will lie; that also loads the module. */
export async function checkOverlayfs(machine: Machine, { dataDir }: ProbeOptions): Promise<Finding[]> {
  const name = 'overlayfs';
  const known = /\boverlay$/m.test((await machine.read('/proc/filesystems')) ?? '');
  const remedy = `load the module (modprobe overlay), and keep ${dataDir} on a disk of its own file system (ext4, xfs with ftype=1, btrfs)`;
  if (!(await isRoot(machine))) {
    if (known) return [{ name, state: 'ok', found: 'known to the kernel; a mount is tried only as root' }];
    return [{ name, state: 'warning', found: 'not loaded; a mount is tried only as root', remedy }];
  }
  const trouble = await tryOverlay(machine, await nearestFolder(dataDir));
  if (trouble === undefined) return [{ name, state: 'ok', found: 'a mount under the data folder works' }];
  const found = `${known ? 'known to the kernel' : 'not known to the kernel'}, but a mount fails: ${trouble}`;
  return [{ name, state: 'missing', found, remedy }];
}

export async function checkDisk(machine: Machine, { dataDir }: ProbeOptions): Promise<Finding[]> {
  const folder = await nearestFolder(dataDir);
  const room = await machine.disk(folder);
  return [checkBytes(room, folder, dataDir), checkInodes(room, folder)];
}

/** Kubernetes wants swap off unless told; nothing here minds it. */
export async function checkSwap(machine: Machine): Promise<Finding[]> {
  const areas = ((await machine.read('/proc/swaps')) ?? '').trim().split('\n').slice(1);
  const found = areas.length ? `on (${areas.map(line => line.split(/\s/)[0]).join(', ')}): may stay on` : 'off';
  return [{ name: 'swap', state: 'ok', found }];
}

/** Volumes that a pod mounts for others need a shared mount; where `/` is private, the folders of pods are made shared. */
export async function checkRootMount(machine: Machine): Promise<Finding[]> {
  const mounts = ((await machine.read('/proc/self/mountinfo')) ?? '').split('\n').map(line => line.split(' '));
  // Fields: id, parent, device, root, mount point, options, then tags up to a dash. The last mount on `/` is the one seen.
  const root = mounts.filter(fields => fields[4] === '/').at(-1) ?? [];
  const shared = root.slice(6, root.indexOf('-')).some(tag => tag.startsWith('shared:'));
  const found = shared ? '/ is shared' : '/ is private: handled, folders of pods are made shared';
  return [{ name: 'mount propagation', state: 'ok', found }];
}

/** What the kernel complains of; undefined when it works. Leaves nothing behind. */
async function tryOverlay(machine: Machine, folder: string): Promise<string | undefined> {
  const place = await mkdtemp(join(folder, '.wherry-probe-'));
  const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map(name => join(place, name));
  try {
    for (const made of [lower, upper, work, merged]) await mkdir(made ?? place);
    const layers = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
    const { trouble } = await attempt(machine, ['mount', '-t', 'overlay', '-o', layers, 'overlay', merged ?? place]);
    if (trouble !== undefined) return trouble;
    return (await attempt(machine, ['umount', merged ?? place])).trouble;
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

function checkBytes({ freeBytes }: DiskRoom, folder: string, dataDir: string): Finding {
  const [name, found] = ['disk', `${(freeBytes / gib).toFixed(1)} GiB free at ${folder}`];
  if (freeBytes >= comfortableBytes) return { name, state: 'ok', found };
  const remedy = `make room, or put the data folder (${dataDir}) on another disk with --data-dir: images need some GiB`;
  return { name, state: freeBytes < leastBytes ? 'missing' : 'warning', found, remedy };
}

function checkInodes({ freeInodes, inodes }: DiskRoom, folder: string): Finding {
  const name = 'inodes';
  if (!inodes) return { name, state: 'ok', found: `made as needed at ${folder}` };
  const found = `${freeInodes} of ${inodes} free at ${folder}`;
  if (freeInodes / inodes >= leastInodes) return { name, state: 'ok', found };
  const remedy = 'remove small files: a layer of an image takes thousands of inodes';
  return { name, state: 'warning', found, remedy };
}
