import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '#api';
import type { FakeClock } from '#base/testing';
import { createFakeClock, createFakeRandom, createRecordingLog } from '#base/testing';
import { ClientError, startLeaderElection } from './index.ts';
import type { FakeClient } from './testing.ts';
import { createFakeClient, settle } from './testing.ts';

const ref = { namespace: 'kube-system', name: 'test' };

function candidate(identity: string, client: FakeClient, clock: FakeClock, leading: Set<string>) {
  let most = 0;
  const election = startLeaderElection({
    ...{ client, clock, identity, name: ref.name, random: createFakeRandom(), log: createRecordingLog() },
    async lead(signal) {
      leading.add(identity);
      most = Math.max(most, leading.size);
      await new Promise(resolve => signal.addEventListener('abort', resolve));
      leading.delete(identity);
    },
  });
  return Object.assign(election, { most: () => most });
}

test('of two candidates one leads, and the other follows when it leaves', async () => {
  const [clock, leading] = [createFakeClock(), new Set<string>()];
  const client = createFakeClient([], { clock });
  const [a, b] = ['a', 'b'].map(name => candidate(name, client, clock, leading));
  await clock.advance(60_000);
  assert.deepEqual([...leading], ['a']);
  assert.equal(a!.isLeader(), true);
  await a![Symbol.asyncDispose]();
  assert.equal(client.peek(resources.leases, ref)?.spec.holderIdentity, '');
  await clock.advance(5000);
  assert.deepEqual([...leading], ['b']);
  assert.equal(client.peek(resources.leases, ref)?.spec.leaseTransitions, 1);
  assert.equal(b!.most(), 1);
  await b![Symbol.asyncDispose]();
  assert.equal(clock.pending, 0);
});

test('a leader that is cut off stops before its lease ends, and another takes over only then', async () => {
  const [clock, leading] = [createFakeClock(), new Set<string>()];
  const client = createFakeClient([], { clock });
  let cutOff = false;
  const get: FakeClient['get'] = async (...call) => {
    if (cutOff) throw new ClientError('unreachable', 'cut');
    return client.get(...call);
  };
  const a = candidate('a', { ...client, get }, clock, leading);
  await settle();
  const b = candidate('b', client, clock, leading);
  await clock.advance(20_000);
  assert.deepEqual([...leading], ['a']);
  cutOff = true;
  await clock.advance(10_000);
  assert.deepEqual([...leading], [], 'the old leader has stopped, the lease still runs');
  await clock.advance(12_000);
  assert.deepEqual([...leading], ['b']);
  cutOff = false;
  await clock.advance(60_000);
  assert.deepEqual([...leading], ['b']);
  await a[Symbol.asyncDispose]();
  await b[Symbol.asyncDispose]();
});

test('a renewal that never answers does not keep the leader in office', async () => {
  const [clock, leading] = [createFakeClock(), new Set<string>()];
  const client = createFakeClient([], { clock });
  let hang = false;
  const get: FakeClient['get'] = (...call) => (hang ? new Promise(() => {}) : client.get(...call));
  const a = candidate('a', { ...client, get }, clock, leading);
  await clock.advance(3000);
  assert.deepEqual([...leading], ['a']);
  hang = true;
  await clock.advance(11_000);
  assert.deepEqual([...leading], []);
  assert.ok(a);
});
