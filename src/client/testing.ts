export type { FakeCall, FakeClient, FakeClientOptions } from './testing/fake-client.ts';
export { createFakeClient } from './testing/fake-client.ts';
export type { FakeDeps } from './testing/fake-deps.ts';
export { createFakeDeps, settle } from './testing/fake-deps.ts';
