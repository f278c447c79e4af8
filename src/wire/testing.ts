export type { FakeContainer, FakeCri, FakeSandbox } from './fake-cri.ts';
export { createFakeCri } from './fake-cri.ts';
export { readSchema } from './grpc-schema.ts';
export type { TestCertificates } from './http-testing.ts';
export { createTestCertificates } from './http-testing.ts';
