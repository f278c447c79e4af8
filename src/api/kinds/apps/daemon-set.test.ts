import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DaemonSet } from '../../types.ts';
import { daemonSet } from './daemon-set.ts';

const key = 'deprecated.daemonset.template.generation';
const context = { nowMs: 0 };

function agent(image: string, generation?: string): DaemonSet {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image }] } };
  return {
    metadata: { name: 'agent', ...(generation && { annotations: { [key]: generation } }) },
    spec: { selector: { matchLabels: { a: 'b' } }, template },
  };
}

test('the generation of a template is counted by the server, whatever a user writes', () => {
  const created = agent('x:1', 'none');
  daemonSet.prepareCreate?.(created, context);
  assert.equal(created.metadata.annotations?.[key], '1');

  const same = agent('x:1', '7');
  daemonSet.prepareUpdate?.(same, created, context);
  assert.equal(same.metadata.annotations?.[key], '1');

  const changed = agent('x:2');
  daemonSet.prepareUpdate?.(changed, created, context);
  assert.equal(changed.metadata.annotations?.[key], '2');
  assert.equal(changed.metadata.generation, 2);

  const status = agent('x:2', '9');
  daemonSet.prepareSubresource?.(status, changed, 'status', context);
  assert.equal(status.metadata.annotations?.[key], '2');
});
