import { describe } from 'node:test';
import { compactionTests } from './suite/compacting.ts';
import { conflictTests } from './suite/conflicts.ts';
import type { StoreSuite } from './suite/harness.ts';
import { linearizableTests } from './suite/linearizable.ts';
import { listingTests } from './suite/listing.ts';
import { valueTests } from './suite/values.ts';
import { volatileTests } from './suite/volatile.ts';
import { watchTests } from './suite/watching.ts';

export type { EtcdMemberProcess, EtcdProcesses, EtcdTlsFiles } from './suite/etcd-process.ts';
export { missingEtcd, startEtcd } from './suite/etcd-process.ts';
export type { StoreHarness, StoreSuite, WatchRecord } from './suite/harness.ts';
export { recordWatch } from './suite/harness.ts';
export type { Operation } from './suite/history.ts';
export { checkHistory } from './suite/history.ts';
export type { DisturbedHistory } from './suite/linearizable.ts';
export { recordDisturbed } from './suite/linearizable.ts';

/** The contract of Store, as tests: every driver must pass all of it. What it cannot do is named with a reason. */
export function describeStore(name: string, suite: StoreSuite): void {
  describe(`store contract: ${name}`, () => {
    describe('values', () => valueTests(suite));
    describe('conflicts', () => conflictTests(suite));
    describe('listing', () => listingTests(suite));
    describe('watching', () => watchTests(suite));
    describe('compaction', () => compactionTests(suite));
    volatileTests(suite);
    describe('history', () => linearizableTests(suite));
  });
}
