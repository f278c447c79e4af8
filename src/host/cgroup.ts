import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Limits of a group; absent members are left as they are. Units as the kernel's. */
export interface CgroupLimits {
  /** cgroup v1 scale: 2 to 262144, 1024 is one CPU. */
  cpuShares?: number | undefined;
  /** Microseconds of CPU time per `cpuPeriodUs`; -1: no limit. */
  cpuQuotaUs?: number | undefined;
  cpuPeriodUs?: number | undefined;
  memoryBytes?: number | undefined;
  pids?: number | undefined;
}

/** Control groups by their path from the root of the hierarchy (`/kubepods/burstable/pod1`). */
export interface Cgroups {
  readonly version: 1 | 2;
  /** Makes the group (and those above it) in every hierarchy and sets what is given. */
  ensure(path: string, limits: CgroupLimits): Promise<void>;
  /** Ends nothing: groups that still hold processes stay, and false is answered. */
  remove(path: string): Promise<boolean>;
  exists(path: string): boolean;
  /** Names of the groups right below. */
  children(path: string): Promise<string[]>;
  /** Ids of the processes in the group and below it. */
  processes(path: string): Promise<number[]>;
  /** Bytes in use without what the kernel can drop at once; undefined when the group is not there. */
  memoryWorkingSet(path: string): Promise<number | undefined>;
  /** Nanoseconds of CPU time used so far. */
  cpuUsage(path: string): Promise<number | undefined>;
}

/** With `unified`, which systemd mounts beside them and in which runtimes make their groups too. */
const v1Controllers = [
  'cpu',
  'cpuacct',
  'memory',
  'pids',
  'cpuset',
  'freezer',
  'devices',
  'blkio',
  'hugetlb',
  'net_cls',
  'net_prio',
  'perf_event',
  'rdma',
  'misc',
  'systemd',
  'unified',
];
const v2Controllers = ['cpu', 'memory', 'pids', 'cpuset', 'io', 'hugetlb'];

/** The groups of this machine. `root` is /sys/fs/cgroup but in tests. */
export function createCgroups(root = '/sys/fs/cgroup'): Cgroups {
  return existsSync(join(root, 'cgroup.controllers')) ? version2(root) : version1(root);
}

const readNumber = async (path: string): Promise<number | undefined> => {
  try {
    return Number(await readFile(path, 'utf8'));
  } catch {
    // The group is gone, or the controller is off: nothing is known.
    return undefined;
  }
};
const readField = async (path: string, field: string): Promise<number | undefined> => {
  try {
    const match = new RegExp(`^${field} (\\d+)$`, 'm').exec(await readFile(path, 'utf8'));
    return match ? Number(match[1]) : undefined;
  } catch {
    // As above.
    return undefined;
  }
};
/** Writing what is there already is refused by some controllers, and needless. */
const set = async (path: string, value: string) => {
  if (existsSync(path) && (await readFile(path, 'utf8')).trim() !== value) await writeFile(path, value);
};
const subfolders = async (folder: string): Promise<string[]> => {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter(entry => entry.isDirectory()).map(entry => entry.name);
  } catch {
    // No such group.
    return [];
  }
};
const removeTree = async (folder: string): Promise<boolean> => {
  for (const name of await subfolders(folder)) if (!(await removeTree(join(folder, name)))) return false;
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
};
const processesBelow = async (folder: string): Promise<number[]> => {
  const nested = await Promise.all((await subfolders(folder)).map(name => processesBelow(join(folder, name))));
  try {
    const own = (await readFile(join(folder, 'cgroup.procs'), 'utf8')).split('\n').filter(Boolean).map(Number);
    return [...own, ...nested.flat()];
  } catch {
    // Gone while we looked.
    return nested.flat();
  }
};

function version1(root: string): Cgroups {
  const hierarchies = v1Controllers.map(name => join(root, name)).filter(path => existsSync(path));
  // runc makes a container's group in every hierarchy that is mounted, also those without limits of ours, and in version 2 beside version 1.
  const all = [...new Set([...hierarchies, ...mountedHierarchies(root)])];
  const at = (controller: string, path: string, file = '') => join(root, controller, path, file);
  return {
    version: 1,
    async ensure(path, { cpuShares, cpuQuotaUs, cpuPeriodUs, memoryBytes, pids }) {
      for (const hierarchy of hierarchies) {
        await mkdir(join(hierarchy, path), { recursive: true });
        if (hierarchy.endsWith('/cpuset')) await fillCpuset(hierarchy, path);
      }
      if (cpuShares !== undefined) await set(at('cpu', path, 'cpu.shares'), String(cpuShares));
      if (cpuPeriodUs !== undefined) await set(at('cpu', path, 'cpu.cfs_period_us'), String(cpuPeriodUs));
      if (cpuQuotaUs !== undefined) await set(at('cpu', path, 'cpu.cfs_quota_us'), String(cpuQuotaUs));
      if (memoryBytes !== undefined) await set(at('memory', path, 'memory.limit_in_bytes'), String(memoryBytes));
      if (pids !== undefined) await set(at('pids', path, 'pids.max'), String(pids));
    },
    remove: async path => (await Promise.all(all.map(one => removeTree(join(one, path))))).every(Boolean),
    exists: path => all.some(one => existsSync(join(one, path))),
    children: async path => [...new Set((await Promise.all(all.map(one => subfolders(join(one, path))))).flat())],
    processes: async path => [...new Set((await Promise.all(all.map(one => processesBelow(join(one, path))))).flat())],
    async memoryWorkingSet(path) {
      const used = await readNumber(at('memory', path, 'memory.usage_in_bytes'));
      const idle = await readField(at('memory', path, 'memory.stat'), 'total_inactive_file');
      return used === undefined ? undefined : Math.max(0, used - (idle ?? 0));
    },
    cpuUsage: path => readNumber(at('cpuacct', path, 'cpuacct.usage')),
  };
}

function mountedHierarchies(root: string): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && existsSync(join(root, entry.name, 'cgroup.procs')))
    .map(entry => join(root, entry.name));
}

/** A new cpuset is empty and takes no process before it has CPUs and memory nodes: it gets those of the group above. */
async function fillCpuset(hierarchy: string, path: string): Promise<void> {
  const parents = path.split('/').filter(Boolean);
  for (let depth = 1; depth <= parents.length; depth++) {
    const folder = join(hierarchy, ...parents.slice(0, depth));
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const now = (await readFile(join(folder, file), 'utf8')).trim();
      if (!now) await writeFile(join(folder, file), (await readFile(join(dirname(folder), file), 'utf8')).trim());
    }
  }
}

/** cpu.weight for cpu.shares, as every runtime converts it. */
export function toCpuWeight(shares: number): number {
  return Math.floor(1 + ((Math.max(2, Math.min(262144, shares)) - 2) * 9999) / 262142);
}

function version2(root: string): Cgroups {
  const at = (path: string, file = '') => join(root, path, file);
  return {
    version: 2,
    async ensure(path, { cpuShares, cpuQuotaUs, cpuPeriodUs = 100_000, memoryBytes, pids }) {
      const parts = path.split('/').filter(Boolean);
      for (let depth = 0; depth < parts.length; depth++) {
        await enableControllers(join(root, ...parts.slice(0, depth)));
        await mkdir(join(root, ...parts.slice(0, depth + 1)), { recursive: true });
      }
      if (cpuShares !== undefined) await set(at(path, 'cpu.weight'), String(toCpuWeight(cpuShares)));
      if (cpuQuotaUs !== undefined)
        await set(at(path, 'cpu.max'), `${cpuQuotaUs < 0 ? 'max' : cpuQuotaUs} ${cpuPeriodUs}`);
      if (memoryBytes !== undefined) await set(at(path, 'memory.max'), memoryBytes < 0 ? 'max' : String(memoryBytes));
      if (pids !== undefined) await set(at(path, 'pids.max'), String(pids));
    },
    remove: path => removeTree(at(path)),
    exists: path => existsSync(at(path)),
    children: path => subfolders(at(path)),
    processes: path => processesBelow(at(path)),
    async memoryWorkingSet(path) {
      const used = await readNumber(at(path, 'memory.current'));
      const idle = await readField(at(path, 'memory.stat'), 'inactive_file');
      return used === undefined ? undefined : Math.max(0, used - (idle ?? 0));
    },
    async cpuUsage(path) {
      const micros = await readField(at(path, 'cpu.stat'), 'usage_usec');
      return micros === undefined ? undefined : micros * 1000;
    },
  };
}

async function enableControllers(folder: string): Promise<void> {
  const available = (await readFile(join(folder, 'cgroup.controllers'), 'utf8')).split(/\s/);
  for (const name of v2Controllers.filter(one => available.includes(one))) {
    await writeFile(join(folder, 'cgroup.subtree_control'), `+${name}`);
  }
}
