export type { FakeCgroups } from './cgroup-fake.ts';
export { createFakeCgroups } from './cgroup-fake.ts';
export type { FakeMounts } from './mount-fake.ts';
export { createFakeMounts } from './mount-fake.ts';
