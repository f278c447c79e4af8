export type { CgroupLimits, Cgroups } from './cgroup.ts';
export { createCgroups, toCpuWeight } from './cgroup.ts';
export type { MountPoint, Mounts } from './mount.ts';
export { createMounts, MountError, parseMountInfo } from './mount.ts';
