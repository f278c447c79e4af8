import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Container, type LimitRangeItem, type Pod, resources } from '#api';
import { createFakeReader } from '../access/testing.ts';
import { createLimitRanger } from './limit-ranger.ts';
import { createTestRequest, runPlugin } from './testing.ts';

function pod(fields: Partial<Pod['spec']> = {}, metadata: object = {}): Pod {
  return {
    metadata: { name: 'web', namespace: 'team', ...metadata },
    spec: { containers: [{ name: 'main', image: 'x' }], ...fields },
  };
}

test('a LimitRange fills in what is missing and bounds what is asked', async () => {
  const reader = createFakeReader();
  const plugin = createLimitRanger(reader);
  const set = (item: object) =>
    reader.put(resources.limitranges, {
      metadata: { name: 'r', namespace: 'team' },
      spec: { limits: [item as never] },
    });
  const ask = async (requests: Container['resources'], count = 1) => {
    const containers = Array.from({ length: count }, (_, index) => ({
      name: `c${index}`,
      resources: structuredClone(requests),
    }));
    const object = pod({ containers });
    return { object, message: await runPlugin(plugin, createTestRequest(resources.pods, { object })) };
  };
  set({ type: 'Container', default: { cpu: '500m', memory: '1Gi' }, defaultRequest: { cpu: '100m' } });
  const { object } = await ask({ limits: { memory: '2Gi' } });
  assert.deepEqual(object.spec.containers[0]?.resources, {
    limits: { memory: '2Gi', cpu: '500m' },
    requests: { cpu: '100m' },
  });
  assert.equal(
    object.metadata.annotations?.['kubernetes.io/limit-ranger'],
    'LimitRanger plugin set: cpu request for container c0; cpu limit for container c0',
  );
  const head = 'pods "web" is forbidden: ';
  const table: readonly [object, Container['resources'], number, string | undefined][] = [
    [
      { type: 'Container', max: { cpu: '1' } },
      { limits: { cpu: '1500m' } },
      1,
      'maximum cpu usage per Container is 1, but limit is 1500m',
    ],
    [{ type: 'Container', max: { cpu: '1' } }, {}, 1, 'maximum cpu usage per Container is 1.  No limit is specified'],
    [
      { type: 'Container', min: { memory: '64Mi' } },
      { requests: { memory: '32Mi' } },
      1,
      'minimum memory usage per Container is 64Mi, but request is 32Mi',
    ],
    [
      { type: 'Container', min: { memory: '64Mi' } },
      undefined,
      1,
      'minimum memory usage per Container is 64Mi.  No request is specified',
    ],
    [
      { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
      { requests: { cpu: '100m' }, limits: { cpu: '300m' } },
      1,
      'cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000',
    ],
    [
      { type: 'Pod', max: { cpu: '1' } },
      { limits: { cpu: '600m' } },
      2,
      'maximum cpu usage per Pod is 1, but limit is 1200m',
    ],
    [{ type: 'Pod', max: { cpu: '2' } }, { limits: { cpu: '600m' }, requests: { cpu: '600m' } }, 2, undefined],
    [
      { type: 'Container', max: { cpu: '1' }, min: { memory: '1Gi' } },
      {},
      1,
      '[minimum memory usage per Container is 1Gi.  No request is specified, maximum cpu usage per Container is 1.  No limit is specified]',
    ],
  ];
  for (const [item, requests, count, message] of table) {
    set(item);
    assert.equal((await ask(requests, count)).message, message && head + message);
  }
  set({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } });
  const claim = (storage: string) =>
    runPlugin(
      plugin,
      createTestRequest(resources.persistentvolumeclaims, {
        object: { metadata: { name: 'c', namespace: 'team' }, spec: { resources: { requests: { storage } } } },
      }),
    );
  assert.equal(await claim('1536Mi'), undefined);
  assert.equal(
    await claim('3Gi'),
    'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
  );
});

test('ranges are heard one after another, and say nothing about what ends', async () => {
  const reader = createFakeReader();
  const plugin = createLimitRanger(reader);
  const range = (name: string, ...limits: LimitRangeItem[]) =>
    reader.put(resources.limitranges, { metadata: { name, namespace: 'team' }, spec: { limits } });
  range(
    'a',
    { type: 'Pod', max: { cpu: '1' } },
    { type: 'PersistentVolumeClaim', max: { storage: '2Gi' }, maxLimitRequestRatio: { storage: '1' } },
  );
  range('b', { type: 'Container', max: { cpu: '500m' }, default: { cpu: '400m' } });
  const asks = (cpu: string, fields: Partial<Pod['spec']> = {}) =>
    pod({ containers: [{ name: 'main', image: 'x', resources: { limits: { cpu } } }], ...fields });
  const ask = (object: Pod, more = {}) => runPlugin(plugin, createTestRequest(resources.pods, { object, ...more }));
  const head = 'pods "web" is forbidden: ';
  assert.equal(await ask(asks('2')), `${head}maximum cpu usage per Pod is 1, but limit is 2`);
  assert.equal(await ask(asks('600m')), `${head}maximum cpu usage per Container is 500m, but limit is 600m`);
  assert.equal(await ask(asks('400m', { overhead: { cpu: '1' } })), undefined);
  const resize = { operation: 'UPDATE', subresource: 'resize', old: asks('400m') };
  const resized = pod();
  assert.equal(await ask(resized, resize), undefined);
  assert.deepEqual(resized.spec.containers[0]?.resources, { limits: { cpu: '400m' } });
  assert.equal(await ask(asks('2'), resize), `${head}maximum cpu usage per Pod is 1, but limit is 2`);
  const claim = (storage: string, metadata = {}) => ({
    metadata: { name: 'c', namespace: 'team', ...metadata },
    spec: { resources: { requests: { storage } } },
  });
  const grow = (old: object) =>
    runPlugin(
      plugin,
      createTestRequest(resources.persistentvolumeclaims, {
        object: claim('3Gi'),
        old: old as never,
        operation: 'UPDATE',
      }),
    );
  assert.equal(
    await grow(claim('1Gi')),
    'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
  );
  assert.equal(await grow(claim('1Gi', { deletionTimestamp: '2030-01-01T00:00:00Z' })), undefined);
});
