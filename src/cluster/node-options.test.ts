import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLabels, parseTaints } from './node-options.ts';

test('labels are key=value, the value may be empty', () => {
  assert.deepEqual(parseLabels(['zone=a', 'example.com/x=']), { zone: 'a', 'example.com/x': '' });
  assert.throws(() => parseLabels(['zone']), /node-label: "zone" is not key=value/);
});

test('taints are key=value:effect or key:effect', () => {
  assert.deepEqual(parseTaints(['a=b:NoSchedule', 'c:NoExecute']), [
    { key: 'a', value: 'b', effect: 'NoSchedule' },
    { key: 'c', effect: 'NoExecute' },
  ]);
  assert.throws(() => parseTaints(['a=b:Never']), /node-taint: "a=b:Never" is not key=value:effect/);
});
