import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeExec } from '../exec-fake.ts';
import { checkCgroups } from './cgroups.ts';
import { createMachine } from './machine.ts';

test('control groups that a container may only read are missing', async () => {
  const machine = createMachine({ exec: createFakeExec(), clock: { now: () => 0 }, root: '/nowhere' });
  const found = await checkCgroups({
    ...machine,
    read: async path => (path === '/sys/fs/cgroup/cgroup.controllers' ? 'cpu memory pids\n' : undefined),
    writable: async () => false,
  });
  assert.deepEqual(found, [
    {
      ...{ name: 'cgroups', state: 'missing', found: 'v2, read-only' },
      remedy: 'mount them writable: in a container, start it privileged',
    },
    { name: 'cgroup controllers', state: 'ok', found: 'cpu, memory, pids' },
  ]);
});
