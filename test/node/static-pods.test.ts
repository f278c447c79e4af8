/** Pods of the node's own folder: run, shown by a mirror, changed and taken away with their file, whatever happens to the mirror. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Pod } from '#api';
import { eventually, missingForPods, type Server, startServer } from '../e2e/fixture.ts';

const skip = missingForPods() ?? false;
let server: Server;
let node: string;
before(async () => {
  if (skip) return;
  server = await startServer({ node: true });
  node = k('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}');
});
after(() => server?.[Symbol.asyncDispose]());

const k = (...args: string[]) => server.kubectl(...args);
const path = (file: string) => join(server.dataFolder, 'agent', 'pod-manifests', file);
const manifest = (name: string, word: string, more = '') => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { app: ${name} }, annotations: { note: kept } }
spec:
  terminationGracePeriodSeconds: 1
  containers: [{ name: main, image: 'busybox:1', command: [sh, -c, 'echo ${word}; sleep 1000'] }]
${more}`;
const find = (name: string): Pod | undefined => {
  const { status, stdout } = server.tryKubectl(['get', 'pod', `${name}-${node}`, '-o', 'json']);
  return status === 0 ? JSON.parse(stdout) : undefined;
};
const containerOf = (pod: Pod | undefined) => pod?.status?.containerStatuses?.[0]?.containerID;
const isReady = (pod: Pod | undefined) =>
  pod?.status?.conditions?.some(one => one.type === 'Ready' && one.status === 'True');
const untilReady = (name: string, isWanted: (pod: Pod) => boolean = () => true) =>
  eventually(
    `${name} is ready`,
    () => {
      const pod = find(name);
      return pod && isReady(pod) && isWanted(pod) && pod;
    },
    30,
  );
const untilLog = (pattern: RegExp) => eventually(`the log says ${pattern}`, () => pattern.exec(server.log())?.[0], 30);
const logs = (name: string) => k('logs', `${name}-${node}`);

test('a manifest in the folder runs and has a mirror', { skip }, async () => {
  writeFileSync(path('one.yaml'), manifest('one', 'first'));
  const pod = await untilReady('one');
  assert.equal(logs('one'), 'first\n');
  const { annotations = {}, ownerReferences, labels } = pod.metadata;
  assert.equal(annotations['kubernetes.io/config.source'], 'file');
  assert.match(annotations['kubernetes.io/config.hash'] ?? '', /^[0-9a-f]{32}$/);
  assert.equal(annotations['kubernetes.io/config.mirror'], annotations['kubernetes.io/config.hash']);
  assert.match(annotations['kubernetes.io/config.seen'] ?? '', /^\d{4}-\d\d-\d\dT/);
  assert.equal(annotations['note'], 'kept');
  assert.deepEqual(labels, { app: 'one' });
  const uid = k('get', 'node', node, '-o', 'jsonpath={.metadata.uid}');
  assert.deepEqual(ownerReferences, [{ apiVersion: 'v1', kind: 'Node', name: node, uid, controller: true }]);
  assert.equal(pod.spec.nodeName, node);
  assert.equal(pod.spec.containers[0]?.imagePullPolicy, 'IfNotPresent');
  assert.deepEqual(pod.spec.tolerations, [{ operator: 'Exists', effect: 'NoExecute' }]);
  assert.equal(pod.status?.phase, 'Running');
  assert.match(pod.status?.podIP ?? '', /^10\.42\./);
  assert.equal(k('exec', `one-${node}`, '--', 'echo', 'in'), 'in\n');
});

test('a mirror that is deleted comes back, and its containers do not notice', { skip }, async () => {
  const before = find('one');
  // kubectl's own wait looks for no pod of that name and can miss the moment: the new mirror comes within milliseconds.
  k('delete', 'pod', `one-${node}`, '--wait=false');
  const now = await untilReady('one', pod => pod.metadata.uid !== before?.metadata.uid);
  assert.equal(containerOf(now), containerOf(before));
  k('delete', 'pod', `one-${node}`, '--force', '--grace-period=0', '--wait=false');
  const again = await untilReady('one', pod => pod.metadata.uid !== now.metadata.uid);
  assert.equal(containerOf(again), containerOf(before));
});

test('a changed file makes another pod of the same name', { skip }, async () => {
  const before = find('one');
  writeFileSync(path('one.yaml'), manifest('one', 'second'));
  const now = await untilReady('one', pod => containerOf(pod) !== containerOf(before));
  assert.equal(logs('one'), 'second\n');
  assert.notEqual(
    now.metadata.annotations?.['kubernetes.io/config.hash'],
    before?.metadata.annotations?.['kubernetes.io/config.hash'],
  );
});

test('a file that is wrong is said in one line, and takes nothing from the others or from what it held', {
  skip,
}, async () => {
  const before = containerOf(find('one'));
  writeFileSync(path('broken.yaml'), 'kind: Pod\n  apiVersion: [v1');
  writeFileSync(path('service.yaml'), 'apiVersion: v1\nkind: Service\nmetadata: { name: x }\n');
  writeFileSync(path('empty.yaml'), 'apiVersion: v1\nkind: Pod\nmetadata: { name: empty }\nspec: { containers: [] }\n');
  writeFileSync(path('needy.yaml'), manifest('needy', 'x', '  volumes: [{ name: a, secret: { secretName: s } }]'));
  writeFileSync(path('good.yaml'), manifest('good', 'well'));
  await untilLog(/static pod not understood path=\S+broken\.yaml error=.+/);
  await untilLog(/static pod not understood path=\S+service\.yaml error="?holds v1 Service, not a v1 Pod/);
  await untilLog(/static pod not understood path=\S+empty\.yaml error="?spec\.containers: Required value/);
  await untilLog(/static pod not understood path=\S+needy\.yaml error="?static pods may not reference secrets/);
  await untilReady('good');
  writeFileSync(path('one.yaml'), 'apiVersion: v1\nkind: Pod\nmetadata: {');
  await untilLog(/static pod not understood path=\S+one\.yaml .*kept=1/);
  assert.equal(containerOf(find('one')), before);
  assert.ok(isReady(find('one')));
  const told = server.log().match(/static pod not understood path=\S+broken\.yaml/g);
  assert.equal(told?.length, 1);
  writeFileSync(path('one.yaml'), manifest('one', 'second'));
});

test('static pods outlive the server and a mirror that was deleted meanwhile', { skip }, async () => {
  const before = containerOf(find('good'));
  assert.ok(before);
  await server.stop('SIGKILL');
  writeFileSync(path('late.yaml'), manifest('late', 'x'));
  await server.start();
  await untilReady('late');
  assert.equal(containerOf(await untilReady('good')), before);
});

test('a file that goes takes its pod along', { skip }, async () => {
  for (const file of ['one', 'good', 'late']) rmSync(path(`${file}.yaml`));
  await eventually('they are gone', () => ['one', 'good', 'late'].every(name => !find(name)), 30);
  const left = () => shimsOf(join(server.dataFolder, 'run', 'containerd', 'containerd.sock'));
  await eventually('nothing of them runs', () => left() === 0, 30);
});

/** How many pods this containerd keeps: each has one process of its own. */
function shimsOf(socketPath: string): number {
  return spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter(line => line.includes('containerd-shim') && line.includes(socketPath)).length;
}
