import type { MountPoint, Mounts } from './mount.ts';

/** A mount table in memory: folders stay as they are. */
export interface FakeMounts extends Mounts {
  readonly mounted: Map<string, MountPoint>;
}

export function createFakeMounts(): FakeMounts {
  const mounted: FakeMounts['mounted'] = new Map();
  const put = (path: string, type: string, source: string) =>
    void mounted.set(path, { path, type, source, root: '/', shared: false });
  return {
    mounted,
    list: async () => [...mounted.values()],
    tmpfs: async path => put(path, 'tmpfs', 'tmpfs'),
    bind: async (source, path) => put(path, 'bind', source),
    makeShared: async path => {
      const found = mounted.get(path);
      if (found) found.shared = true;
    },
    unmount: async path => void mounted.delete(path),
  };
}
