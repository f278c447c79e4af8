import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConfigMap, Pod, Secret } from '#api';
import { aPod } from '../testing.ts';
import type { Payload } from './atomic-writer.ts';
import { configMapFiles, downwardFiles, secretFiles } from './payload.ts';
import { projectedFiles } from './projected.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';

const facts = { hostIps: ['192.168.0.1'], podIps: ['10.42.0.2'], allocatable: { cpu: '4' } };
const map: ConfigMap = { metadata: { name: 'm' }, data: { a: 'A', b: 'B' }, binaryData: { raw: 'AP8=' } };
const secret: Secret = { metadata: { name: 's' }, data: { key: Buffer.from('hidden').toString('base64') } };
const shown = (files: Payload) =>
  Object.fromEntries(
    Array.from(files, ([path, { bytes, mode }]) => [path, `${bytes.toString('latin1')} ${mode.toString(8)}`]),
  );

describe('files of a ConfigMap or a Secret', () => {
  test('are all keys with the default mode when no items are named', () => {
    assert.deepEqual(shown(configMapFiles(map, { defaultMode: 0o644, what: 'configmap' })), {
      ...{ a: 'A 644', b: 'B 644', raw: '\u0000\u00ff 644' },
    });
    assert.deepEqual(shown(secretFiles(secret, { defaultMode: 0o400, what: 'secret' })), { key: 'hidden 400' });
  });
  test('are the items at their paths with their modes', () => {
    const items = [
      { key: 'a', path: 'deep/x', mode: 0o600 },
      { key: 'b', path: 'y' },
    ];
    assert.deepEqual(shown(configMapFiles(map, { items, defaultMode: 0o644, what: 'configmap' })), {
      ...{ 'deep/x': 'A 600', y: 'B 644' },
    });
  });
  test('a key that is missing is an error, unless the volume is optional', () => {
    const items = [
      { key: 'none', path: 'x' },
      { key: 'a', path: 'y' },
    ];
    const select = (optional: boolean) => ({ items, defaultMode: 0o644, optional });
    assert.throws(() => configMapFiles(map, { ...select(false), what: 'configmap' }), {
      ...{ name: 'VolumeError', message: 'configmap references non-existent config key: none' },
    });
    assert.throws(() => secretFiles(secret, { ...select(false), what: 'secret' }), {
      message: 'references non-existent secret key: none',
    });
    assert.deepEqual([...configMapFiles(map, { ...select(true), what: 'configmap' }).keys()], ['y']);
  });
  test('an optional object that is missing is an empty volume', () => {
    assert.equal(configMapFiles(undefined, { defaultMode: 0o644, optional: true, what: 'configmap' }).size, 0);
  });
});

test('fields and resources of the pod become files', () => {
  const pod = aPod(
    { containers: [{ name: 'app', resources: { limits: { memory: '64Mi' } } }] },
    { metadata: { labels: { b: '2', a: 'say "hi"' } } },
  );
  const items = [
    { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
    { path: 'name', fieldRef: { fieldPath: 'metadata.name' }, mode: 0o400 },
    { path: 'memory', resourceFieldRef: { containerName: 'app', resource: 'limits.memory', divisor: '1Mi' } },
    { path: 'cpu', resourceFieldRef: { containerName: 'app', resource: 'limits.cpu' } },
  ];
  assert.deepEqual(shown(downwardFiles(pod, items, { defaultMode: 0o644, facts })), {
    ...{ labels: 'a="say \\"hi\\""\nb="2" 644', name: 'web 400', memory: '64 644', cpu: '4 644' },
  });
});

describe('projected volumes', () => {
  const tokens: ServiceAccountTokens = {
    token: async (_, { audience = 'api' }) => `token for ${audience}`,
    nextRenewalMs: () => undefined,
    forget: () => undefined,
  };
  const objects = {
    configMap: async (_: string, name: string) => (name === 'm' ? map : undefined),
    secret: async (_: string, name: string) => (name === 's' ? secret : undefined),
  };
  const files = (sources: object[], pod: Pod = aPod()) =>
    projectedFiles({ objects, tokens }, pod, { sources, defaultMode: 0o644 } as never, facts);
  test('hold the files of all sources', async () => {
    const made = await files([
      { serviceAccountToken: { path: 'token', audience: 'vault' } },
      { configMap: { name: 'm', items: [{ key: 'a', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
      { secret: { name: 's' } },
    ]);
    assert.deepEqual(shown(made), {
      ...{ token: 'token for vault 644', 'ca.crt': 'A 644', namespace: 'default 644', key: 'hidden 644' },
    });
  });
  test('of two files with the same path the later wins', async () => {
    const made = await files([
      { configMap: { name: 'm', items: [{ key: 'a', path: 'x' }] } },
      { configMap: { name: 'm', items: [{ key: 'b', path: 'x' }] } },
    ]);
    assert.deepEqual(shown(made), { x: 'B 644' });
  });
  test('a token is for the pod’s user alone when there is one', async () => {
    const sources = [{ serviceAccountToken: { path: 'token' } }];
    const own = await files(sources, aPod({ securityContext: { runAsUser: 1000 } }));
    assert.deepEqual([own.get('token')?.mode, own.get('token')?.uid], [0o600, 1000]);
    const containers = [
      { name: 'a', securityContext: { runAsUser: 1 } },
      { name: 'b', securityContext: { runAsUser: 2 } },
    ];
    const mixed = await files(sources, aPod({ containers }));
    assert.deepEqual([mixed.get('token')?.mode, mixed.get('token')?.uid], [0o644, undefined]);
  });
  test('a missing source is an error, unless it is optional', async () => {
    await assert.rejects(files([{ secret: { name: 'none' } }]), {
      name: 'VolumeError',
      message: 'secret "none" not found',
    });
    assert.equal((await files([{ secret: { name: 'none', optional: true } }])).size, 0);
  });
});
