import { describe } from 'node:test';
import { createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import type { StoreHarness } from '../testing.ts';
import { describeStore, missingEtcd, startEtcd } from '../testing.ts';
import { openEtcdStore } from './open.ts';

const deps = { clock: createSystemClock(), log: createRecordingLog() };

function openOn(members: number) {
  return async (): Promise<StoreHarness> => {
    const etcd = await startEtcd({ members });
    const open = () => openEtcdStore({ endpoints: etcd.endpoints, scope: '', isShared: false }, deps);
    let store = await open();
    return {
      store,
      async restart() {
        await store[Symbol.asyncDispose]();
        store = await open();
        return store;
      },
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]();
        await etcd[Symbol.asyncDispose]();
      },
    };
  };
}

const skipVolatile =
  'etcd keeps volatile keys like any other: several servers share it, and none has the memory for all';

describe('etcd', { skip: missingEtcd() ?? false }, () => {
  describeStore('etcd of one member', { open: openOn(1), skipVolatile });
});
