import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProtobufCodec } from './protobuf.ts';

const codec = createProtobufCodec();

const pod = {
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: {
    name: 'web',
    namespace: 'default',
    labels: { a: 'b', c: 'd' },
    creationTimestamp: '2026-01-02T03:04:05Z',
    managedFields: [{ manager: 'x', fieldsV1: { 'f:spec': {} } }],
  },
  spec: {
    volumes: [
      { name: 'v', configMap: { name: 'c', defaultMode: 420 } },
      { name: 'e', emptyDir: {} },
    ],
    containers: [
      {
        name: 'main',
        image: 'busybox:1',
        command: ['sh', '-c', 'true'],
        env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k', optional: false } } }],
        ports: [{ containerPort: 80, protocol: 'TCP' }],
        resources: { limits: { cpu: '100m', memory: '1Gi' } },
        livenessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 3 },
        readinessProbe: { tcpSocket: { port: 80 } },
        securityContext: { runAsUser: 0, privileged: false },
      },
    ],
    terminationGracePeriodSeconds: 0,
  },
};

for (const [name, object] of [
  ['a pod', pod],
  ['a secret', { kind: 'Secret', apiVersion: 'v1', metadata: { name: 's' }, data: { k: 'aGk=' }, type: 'Opaque' }],
  [
    'a list',
    { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '5' }, items: [{ metadata: { name: 'a' } }] },
  ],
  ['options', { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0, propagationPolicy: 'Foreground' }],
  [
    'a lease',
    {
      kind: 'Lease',
      apiVersion: 'coordination.k8s.io/v1',
      metadata: { name: 'l' },
      spec: { holderIdentity: 'x', renewTime: '2026-01-02T03:04:05.123456Z' },
    },
  ],
  ['a large number', { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'n', generation: 2 ** 40 } }],
  [
    'a review',
    {
      kind: 'SubjectAccessReview',
      apiVersion: 'authorization.k8s.io/v1',
      spec: { user: 'u', extra: { scopes: ['a', 'b'] } },
    },
  ],
  [
    'a custom resource definition',
    {
      kind: 'CustomResourceDefinition',
      apiVersion: 'apiextensions.k8s.io/v1',
      metadata: { name: 'x' },
      spec: {
        group: 'g',
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: { a: { type: 'array', items: { type: 'string', default: 'x' } } },
                'x-kubernetes-preserve-unknown-fields': true,
              },
            },
          },
        ],
      },
    },
  ],
] as const) {
  test(`${name} comes back as it went`, () => assert.deepEqual(codec.decode(codec.encode(object)), object));
}

test('a body of a Go client: zeros that JSON would leave out are left out', () => {
  const bytes = codec.encode({
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name: 'a', generateName: '', generation: 0 },
    spec: { hostNetwork: false, containers: [] },
  });
  assert.deepEqual(codec.decode(bytes), { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' }, spec: {} });
});

test('what is no protobuf is refused, and no byte string crashes or hangs the decoder', () => {
  assert.throws(() => codec.decode(Buffer.from('{"kind":"Pod"}')), {
    name: 'ProtobufError',
    message: /expected prefix \[107 56 115 0\]/,
  });
  const good = codec.encode(pod);
  for (let at = 4; at < good.length; at++) {
    const bad = Buffer.from(good);
    bad[at] = (bad[at]! + 131) & 255;
    for (const bytes of [bad, good.subarray(0, at)]) {
      try {
        codec.decode(bytes);
      } catch (error) {
        assert.equal((error as Error).name, 'ProtobufError', (error as Error).stack);
      }
    }
  }
});

test('a kind without a protobuf form is said', () => {
  assert.equal(codec.knows('example.com/v1', 'Widget'), false);
  assert.throws(() => codec.encode({ kind: 'Widget', apiVersion: 'example.com/v1' }), {
    message: 'example.com/v1 Widget has no protobuf form',
  });
});
