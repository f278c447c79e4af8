import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttributesClass } from '#api';
import { resources } from '#api';
import { startTestControllers } from '../testing.ts';
import { claimProtection, classProtection, volumeProtection } from './controller.ts';

const claim = (name: string): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { namespace: 'default', name, finalizers: ['kubernetes.io/pvc-protection'] },
  spec: { volumeAttributesClassName: 'fast' },
});
const pod = (name: string, claimName: string, phase = 'Running'): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'default', name },
  spec: { nodeName: 'n1', containers: [], volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] },
  status: { phase },
});

test('a deleted claim stays until the pods that use it have ended', async () => {
  const objects = [claim('used'), claim('free'), pod('p', 'used'), pod('done', 'free', 'Succeeded')];
  await using deps = await startTestControllers([claimProtection], objects);
  const { persistentvolumeclaims, pods } = resources;
  for (const name of ['used', 'free']) {
    await deps.client.delete(persistentvolumeclaims, { namespace: 'default', name });
  }
  const left = () => deps.client.peekAll(persistentvolumeclaims).map(({ metadata }) => metadata.name);
  await deps.settle();
  assert.deepEqual(left(), ['used']);
  await deps.client.delete(pods, { namespace: 'default', name: 'p' }, { gracePeriodSeconds: 0 });
  await deps.settle();
  assert.deepEqual(left(), []);
});

test('a deleted volume stays while it is bound', async () => {
  const volume = (name: string, phase: string): PersistentVolume => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, finalizers: ['kubernetes.io/pv-protection'] },
    spec: {},
    status: { phase },
  });
  const objects = [volume('bound', 'Bound'), volume('free', 'Released')];
  await using deps = await startTestControllers([volumeProtection], objects);
  const { persistentvolumes } = resources;
  for (const name of ['bound', 'free']) await deps.client.delete(persistentvolumes, { name });
  await deps.settle();
  assert.deepEqual(
    deps.client.peekAll(persistentvolumes).map(({ metadata }) => metadata.name),
    ['bound'],
  );
});

test('a deleted attribute class stays while a claim names it', async () => {
  const one = (name: string): VolumeAttributesClass => ({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttributesClass',
    metadata: { name, finalizers: ['kubernetes.io/vac-protection'] },
    driverName: 'd',
  });
  await using deps = await startTestControllers([classProtection], [one('fast'), one('slow'), claim('c')]);
  const { volumeattributesclasses } = resources;
  for (const name of ['fast', 'slow']) await deps.client.delete(volumeattributesclasses, { name });
  await deps.settle();
  assert.deepEqual(
    deps.client.peekAll(volumeattributesclasses).map(({ metadata }) => metadata.name),
    ['fast'],
  );
});
