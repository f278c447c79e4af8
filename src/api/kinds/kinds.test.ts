import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KindBehaviour } from '../kind.ts';
import type { UnknownObject } from '../resource.ts';
import type { Pod } from '../types.ts';
import { formatLabels, since } from './columns.ts';
import { describeDifference } from './difference.ts';
import { humanDuration } from './duration.ts';
import { semanticallyEqual } from './equality.ts';
import { isLatestImage } from './image-name.ts';
import { behaviours, validateMetadata, validateMetadataUpdate } from './index.ts';
import { formatSelector, selectorMatches } from './label-selector.ts';
import {
  checkEnvName,
  checkPathSegment,
  checkPortName,
  checkQualifiedName,
  checkWildcardSubdomain,
} from './name-rules.ts';
import { qosClassOf } from './qos.ts';
import { parseNano, quantitiesEqual } from './quantity.ts';

const kind = (key: string) => behaviours.get(key) as KindBehaviour<UnknownObject>;

test('ages have two units at most', () => {
  const second = 1000;
  const minute = 60 * second;
  const hour = 60 * minute;
  const day = 24 * hour;
  const ages: [number, string][] = [
    [-5 * second, '<invalid>'],
    [-1500, '0s'],
    [119 * second, '119s'],
    [5 * minute + 30 * second, '5m30s'],
    [9 * minute, '9m'],
    [179 * minute, '179m'],
    [7 * hour + 59 * minute, '7h59m'],
    [47 * hour, '47h'],
    [7 * day + 23 * hour, '7d23h'],
    [729 * day, '729d'],
    [731 * day, '2y1d'],
    [365 * 8 * day, '8y'],
  ];
  for (const [span, text] of ages) assert.equal(humanDuration(span), text);
  assert.equal(since(undefined, 0), '<unknown>');
});

test('images without a tag or digest are latest', () => {
  for (const latest of ['nginx', 'nginx:latest', 'host:5000/nginx', 'host:5000/a/nginx:latest']) {
    assert.equal(isLatestImage(latest), true, latest);
  }
  for (const other of ['nginx:1', 'host:5000/nginx:1', 'nginx@sha256:00', 'nginx:1@sha256:00']) {
    assert.equal(isLatestImage(other), false, other);
  }
});

test('missing lists and maps equal empty ones, missing objects do not', () => {
  assert.equal(semanticallyEqual({ a: 1, b: [] }, { b: undefined, a: 1 }), true);
  assert.equal(semanticallyEqual({ labels: {} }, {}), true);
  assert.equal(semanticallyEqual({ podSelector: {} }, {}), false);
  assert.equal(semanticallyEqual({ ports: [1, 2] }, { ports: [2, 1] }), false);
  assert.equal(semanticallyEqual({ a: { b: [{ c: 1 }] } }, { a: { b: [{ c: 1 }] } }), true);
});

test('a difference names the member, before and now', () => {
  const before = { containers: [{ name: 'a', image: 'x' }] };
  const now = { containers: [{ name: 'a', image: 'y', tty: true }] };
  assert.equal(
    describeDifference(before, now),
    '- containers[0].image: "x"\n+ containers[0].image: "y"\n+ containers[0].tty: true',
  );
});

test('selectors are shown in the order of their keys', () => {
  const selector = {
    matchLabels: { b: '1' },
    matchExpressions: [
      { key: 'c', operator: 'NotIn', values: ['y', 'x'] },
      { key: 'a', operator: 'DoesNotExist' },
    ],
  };
  assert.equal(formatSelector(selector), '!a,b=1,c notin (x,y)');
  assert.equal(formatSelector({}), '<none>');
  assert.equal(formatSelector({ matchExpressions: [{ key: 'a', operator: 'Near' }] }), '<invalid>');
  assert.equal(formatLabels({ b: '2', a: '1' }), 'a=1,b=2');
  assert.equal(selectorMatches(selector, { b: '1' }), true);
  assert.equal(selectorMatches(selector, { b: '1', c: 'x' }), false);
});

test('quantities are compared by value', () => {
  assert.equal(quantitiesEqual('1000m', '1'), true);
  assert.equal(quantitiesEqual('1Ki', '1k'), false);
  assert.equal(parseNano('1.5Gi'), 1_610_612_736_000_000_000n);
  assert.equal(parseNano('-2e3'), -2_000_000_000_000n);
  assert.equal(parseNano('one'), undefined);
});

test('a pod is guaranteed only when all containers limit what they request', () => {
  const limits = { cpu: '1', memory: '1Gi' };
  const container = (resources: object) => ({ name: 'c', resources });
  assert.equal(qosClassOf({ containers: [container({})] }), 'BestEffort');
  assert.equal(qosClassOf({ containers: [container({ limits, requests: limits })] }), 'Guaranteed');
  assert.equal(qosClassOf({ containers: [container({ limits, requests: limits }), container({})] }), 'Burstable');
  assert.equal(qosClassOf({ containers: [container({ requests: { cpu: '0' } })] }), 'BestEffort');
  assert.equal(
    qosClassOf({ containers: [container({ limits, requests: { cpu: '500m', memory: '1Gi' } })] }),
    'Burstable',
  );
});

test('a pod gets the grace that was asked for, its own, or none when nothing runs', () => {
  const graceful = kind('v1/pods').graceful as unknown as (pod: Pod, seconds: number | undefined) => number;
  const pod = (spec: object, status = {}): Pod => ({
    metadata: { name: 'a' },
    spec: { containers: [], nodeName: 'n1', terminationGracePeriodSeconds: 30, ...spec },
    status,
  });
  assert.equal(graceful(pod({}), undefined), 30);
  assert.equal(graceful(pod({}), 5), 5);
  assert.equal(graceful(pod({}), 0), 0);
  assert.equal(graceful(pod({ nodeName: '' }), undefined), 0);
  assert.equal(graceful(pod({}, { phase: 'Succeeded' }), undefined), 0);
  assert.equal(graceful(pod({ terminationGracePeriodSeconds: -1 }), undefined), 1);
});

test('an update names its version and changes nothing that identifies', () => {
  const old = { name: 'a', namespace: 'x', uid: 'u', resourceVersion: '1', deletionTimestamp: '2030-01-01T00:00:00Z' };
  const errors = validateMetadataUpdate({ ...old, name: 'b', resourceVersion: '', finalizers: ['a/b'] }, old);
  assert.deepEqual(
    errors.map(({ field, message }) => `${field}: ${message}`),
    [
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a/b"}',
      'metadata.resourceVersion: Invalid value: "": must be specified for an update',
      'metadata.name: Invalid value: "b": field is immutable',
    ],
  );
});

test('metadata of a new object', () => {
  const owner = { apiVersion: 'v1', kind: 'Event', name: 'e', uid: 'u', controller: true };
  const errors = validateMetadata(
    {
      generateName: 'web-',
      name: 'web-abcde',
      namespace: 'Shop',
      annotations: { big: 'x'.repeat(300 * 1024), 'UPPER.example.com/ok': '' },
      ownerReferences: [owner, { ...owner, kind: 'Pod', apiVersion: 'a/b/c' }],
      finalizers: ['orphan', 'foregroundDeletion', 'a b'],
      managedFields: [{ operation: 'Guess', fieldsType: 'V0' }],
    },
    { namespaced: true },
  );
  assert.deepEqual(
    errors.map(({ field, reason }) => `${field} ${reason}`),
    [
      'metadata.namespace FieldValueInvalid',
      'metadata.annotations FieldValueTooLong',
      'metadata.ownerReferences[0] FieldValueInvalid',
      'metadata.ownerReferences[1].apiVersion FieldValueInvalid',
      'metadata.ownerReferences FieldValueInvalid',
      'metadata.managedFields[0].operation FieldValueNotSupported',
      'metadata.managedFields[0].fieldsType FieldValueInvalid',
      'metadata.finalizers FieldValueInvalid',
      'metadata.finalizers FieldValueInvalid',
    ],
  );
  assert.equal(
    validateMetadata({ name: 'system:x', namespace: 'x' }, { namespaced: false, nameRule: 'path' }).length,
    1,
  );
});

test('names of every sort', () => {
  const count = (messages: readonly string[]) => messages.length;
  assert.deepEqual(['a', 'a.b/c', 'example.com/A_b.c'].map(checkQualifiedName).map(count), [0, 0, 0]);
  assert.deepEqual(
    ['', '/a', 'a/', 'a/b/c', 'A_/b', 'x'.repeat(64)].map(checkQualifiedName).map(count),
    [2, 1, 2, 1, 1, 1],
  );
  assert.deepEqual(['http', 'a-1'].map(checkPortName).map(count), [0, 0]);
  assert.deepEqual(['1', 'a--b', '-a', 'A', 'much-too-long-a-name'].map(checkPortName).map(count), [1, 1, 1, 2, 1]);
  assert.deepEqual(['A b', 'a=b', '', 'é'].map(checkEnvName).map(count), [0, 1, 1, 1]);
  assert.deepEqual(['.', '..', 'a/b', 'a%b', 'a:b'].map(checkPathSegment).map(count), [1, 1, 1, 1, 0]);
  assert.deepEqual(['*.a.b', 'a.b', '*.*.a'].map(checkWildcardSubdomain).map(count), [0, 1, 1]);
});

test('events and heartbeats are volatile, other leases are not', () => {
  const lease = (namespace: string) => ({ metadata: { name: 'a', namespace } });
  assert.equal(kind('v1/events').volatile?.({ metadata: { name: 'a' } }), true);
  assert.equal(kind('coordination.k8s.io/v1/leases').volatile?.(lease('kube-node-lease')), true);
  assert.equal(kind('coordination.k8s.io/v1/leases').volatile?.(lease('kube-system')), false);
});

test('pods are selected by node, phase and the rest', () => {
  const fields = kind('v1/pods').selectableFields ?? {};
  const pod = {
    metadata: { name: 'a' },
    spec: { nodeName: 'n1', hostNetwork: true },
    status: { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }] },
  };
  const values = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value(pod)]));
  assert.deepEqual(values, {
    'spec.nodeName': 'n1',
    'spec.restartPolicy': '',
    'spec.schedulerName': '',
    'spec.serviceAccountName': '',
    'spec.hostNetwork': 'true',
    'status.phase': 'Running',
    'status.podIP': '10.0.0.1',
    'status.nominatedNodeName': '',
  });
});

test('defaults of an object that has them change nothing', () => {
  const deployment = {
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'b' }] } },
    },
  };
  kind('apps/v1/deployments').defaults?.(deployment);
  const once = structuredClone(deployment);
  kind('apps/v1/deployments').defaults?.(deployment);
  assert.deepEqual(deployment, once);
});
