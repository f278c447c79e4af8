export type { FakeContainer, FakeCri, FakeSandbox } from './fake-cri.ts';
export { createFakeCri } from './fake-cri.ts';
