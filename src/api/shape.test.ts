import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createShapeCheck } from './shape.ts';
import { createTypeNodes } from './type-nodes.ts';

const types = createTypeNodes();
const settle = (type: string, value: unknown) =>
  createShapeCheck({ fill: true })(value, types(type)!, path => assert.fail(`unknown ${path}`));

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
