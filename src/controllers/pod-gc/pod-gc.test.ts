import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api';
import { resources } from '#api';
import { startTestControllers } from '../testing.ts';
import { podGc } from './controller.ts';

const pod = (name: string, nodeName: string | undefined, phase: string, more: Partial<Pod['metadata']> = {}): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name, ...more } },
  ...{ spec: { containers: [], ...(nodeName ? { nodeName } : {}) }, status: { phase } },
});
const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } };
const left = (deps: Awaited<ReturnType<typeof startTestControllers>>) =>
  deps.client
    .peekAll(resources.pods)
    .map(({ metadata }) => metadata.name)
    .sort();

test('pods of a node that is gone are failed and deleted after the quarantine', async () => {
  const pods = [pod('a', 'n1', 'Running'), pod('b', 'gone', 'Running'), pod('c', undefined, 'Pending')];
  await using deps = await startTestControllers([podGc], [node, ...pods]);
  await deps.clock.advance(30_000);
  assert.deepEqual(left(deps), ['a', 'b', 'c']);
  await deps.clock.advance(20_000);
  await deps.settle();
  assert.deepEqual(left(deps), ['a', 'c']);
  const patch = deps.client.calls.find(call => call.resource === 'pods/status');
  assert.match(JSON.stringify(patch?.body), /"phase":"Failed".*"reason":"DeletionByPodGC"/);
});

test('the oldest finished pods beyond the limit are deleted, and so are unscheduled ones that are terminating', async () => {
  const at = (second: number) => ({ creationTimestamp: `2026-01-01T00:00:0${second}Z` });
  const pods = [
    ...[pod('old', 'n1', 'Succeeded', at(1)), pod('older', 'n1', 'Failed', at(0)), pod('new', 'n1', 'Failed', at(2))],
    pod('stuck', undefined, 'Pending', { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 30 }),
  ];
  await using deps = await startTestControllers([podGc], [node, ...pods], { terminatedPodLimit: 1 });
  assert.deepEqual(left(deps), ['new']);
});
