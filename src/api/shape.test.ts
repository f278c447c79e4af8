import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createShapeCheck } from './shape.ts';
import { createTypeNodes } from './type-nodes.ts';

const types = createTypeNodes();
const settle = (type: string, value: unknown) =>
  createShapeCheck({ fill: true })(value, types(type)!, path => assert.fail(`unknown ${path()}`));

test('empty lists and maps are left out, as Go does; structures and those that upstream always writes stay', () => {
  const pod = {
    metadata: { name: 'p', labels: {}, ownerReferences: [] },
    spec: {
      containers: [{ name: 'c', env: [], args: [], resources: { limits: {} }, securityContext: {} }],
      volumes: [{ name: 'v', emptyDir: {} }],
      nodeSelector: {},
    },
  };
  assert.deepEqual(settle('io.k8s.api.core.v1.Pod', pod), {
    metadata: { name: 'p' },
    spec: {
      containers: [{ name: 'c', resources: {}, securityContext: {} }],
      volumes: [{ name: 'v', emptyDir: {} }],
    },
    status: {},
  });
  const role = { metadata: { name: 'r', annotations: {} }, rules: [] };
  assert.deepEqual(settle('io.k8s.api.rbac.v1.Role', role), { metadata: { name: 'r' }, rules: [] });
});

test('an apply configuration keeps what it says, for an empty map is owned too', () => {
  const config = { metadata: { name: 'c' }, data: {} };
  const check = createShapeCheck({ fill: false });
  assert.deepEqual(
    check(config, types('io.k8s.api.core.v1.ConfigMap')!, () => undefined),
    config,
  );
});

test('unknown fields are taken out and told, be they few or many, at any depth', () => {
  const check = createShapeCheck({ fill: false });
  for (const count of [3, 100, 101, 5000]) {
    const unknown = Object.fromEntries(Array.from({ length: count }, (_, index) => [`u${index}`, {}]));
    const pod = { ...unknown, metadata: { name: 'p', ...unknown }, spec: { containers: [{ name: 'c', ...unknown }] } };
    const told: string[] = [];
    const checked = check(pod, types('io.k8s.api.core.v1.Pod')!, path => void told.push(path()));
    assert.deepEqual(checked, { metadata: { name: 'p' }, spec: { containers: [{ name: 'c' }] } });
    assert.equal(told.length, 3 * Math.min(count, 101));
    assert.deepEqual(
      ['u0', 'metadata.u1', 'spec.containers[0].u2'].filter(path => !told.includes(path)),
      [],
    );
  }
});

test('times are kept in UTC and with the precision of their type, however they come', () => {
  const lease = (acquireTime: string) => {
    const settled = settle('io.k8s.api.coordination.v1.Lease', { metadata: { name: 'l' }, spec: { acquireTime } });
    return (settled as { spec: { acquireTime: string } }).spec.acquireTime;
  };
  const pod = (creationTimestamp: string) => {
    const settled = settle('io.k8s.api.core.v1.ConfigMap', { metadata: { name: 'p', creationTimestamp } });
    return (settled as { metadata: { creationTimestamp: string } }).metadata.creationTimestamp;
  };
  assert.equal(pod('2026-01-01T00:00:00Z'), '2026-01-01T00:00:00Z');
  assert.equal(pod('2026-01-01T00:00:00+00:00'), '2026-01-01T00:00:00Z');
  assert.equal(pod('2026-01-01T01:30:00.999+01:30'), '2026-01-01T00:00:00Z');
  assert.equal(lease('2026-01-01T00:00:00.123456Z'), '2026-01-01T00:00:00.123456Z');
  assert.equal(lease('2026-01-01T02:00:00.1234567+02:00'), '2026-01-01T00:00:00.123456Z');
  assert.equal(lease('2026-01-01T00:00:00Z'), '2026-01-01T00:00:00.000000Z');
});
