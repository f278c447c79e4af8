import type { CgroupLimits, Cgroups } from './cgroup.ts';

export interface FakeCgroups extends Cgroups {
  readonly groups: Map<string, CgroupLimits>;
}

export function createFakeCgroups(): FakeCgroups {
  const groups: FakeCgroups['groups'] = new Map();
  return {
    groups,
    version: 2,
    ensure: async (path, limits) => void groups.set(path, { ...groups.get(path), ...limits }),
    remove: async path => {
      groups.delete(path);
      return true;
    },
    exists: path => groups.has(path),
    children: async path => {
      const below = [...groups.keys()].filter(one => one.startsWith(`${path}/`));
      return [...new Set(below.map(one => one.slice(path.length + 1).split('/')[0]!))];
    },
    processes: async () => [],
    memoryWorkingSet: async path => (groups.has(path) ? 0 : undefined),
    cpuUsage: async path => (groups.has(path) ? 0 : undefined),
  };
}
