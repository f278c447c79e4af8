import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job } from '#api';
import { resources } from '#api';
import { startTestControllers } from '../testing.ts';
import { ttlAfterFinished } from './controller.ts';

const job = (name: string, ttl: number | undefined, type = 'Complete'): Job => ({
  ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: { namespace: 'default', name } },
  spec: { template: {}, ttlSecondsAfterFinished: ttl },
  status: { conditions: [{ type, status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
});

test('finished jobs go when their time is over, and no others', async () => {
  const objects = [
    job('soon', 10),
    job('failed', 20, 'Failed'),
    job('kept', undefined),
    job('running', 10, 'Suspended'),
  ];
  await using deps = await startTestControllers([ttlAfterFinished], objects);
  const left = () =>
    deps.client
      .peekAll(resources.jobs)
      .filter(({ metadata }) => !metadata.deletionTimestamp)
      .map(({ metadata }) => metadata.name);
  await deps.clock.advance(11_000);
  await deps.settle();
  assert.deepEqual(left().sort(), ['failed', 'kept', 'running']);
  await deps.clock.advance(10_000);
  await deps.settle();
  assert.deepEqual(left().sort(), ['kept', 'running']);
});
