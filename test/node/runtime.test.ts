/** What a node goes through: its runtime killed and unable to start, containers killed, logs that grow, images that come and go. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import type { Pod } from '#api';
import { connectCri } from '#wire';
import { createImageGc } from '../../src/kubelet/images/image-gc.ts';
import { collectContainers } from '../../src/kubelet/runtime/container-gc.ts';
import { createRuntimeCache } from '../../src/kubelet/runtime/runtime-cache.ts';
import { root, wherry } from '../../tools/server.ts';
import { eventually, missingForPods, type Server, startServer } from '../e2e/fixture.ts';

const skip = missingForPods() ?? false;
let server: Server;
let node: string;
before(async () => {
  if (skip) return;
  server = await startServer({ node: true });
  node = k('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}');
  server.apply(pod('steady', 'i=0; while :; do echo $i; i=$((i+1)); sleep 0.1; done'));
  k('wait', '--for=condition=Ready', 'pod/steady', '--timeout=60s');
});
after(() => server?.[Symbol.asyncDispose]());

const k = (...args: string[]) => server.kubectl(...args);
const pod = (name: string, script: string, more = '') => `
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  terminationGracePeriodSeconds: 1
  containers: [{ name: main, image: 'busybox:1', command: [sh, -c, ${JSON.stringify(script)}] }]
${more}`;
const read = (name: string) => JSON.parse(k('get', 'pod', name, '-o', 'json')) as Pod;
const statusOf = (name: string) => read(name).status!.containerStatuses![0]!;
const idOf = (name: string) => statusOf(name).containerID!.replace('containerd://', '');
const run = () => join(server.dataFolder, 'run', 'containerd');
const socketPath = () => join(run(), 'containerd.sock');
const containerdPid = () => Number(readFileSync(join(run(), 'containerd.pid'), 'utf8'));
const pidOf = (name: string) =>
  Number(readFileSync(join(run(), 'io.containerd.runtime.v2.task', 'k8s.io', idOf(name), 'init.pid'), 'utf8'));
const nodeReady = () => {
  const path = '{range .status.conditions[?(@.type=="Ready")]}{.status} {.reason}: {.message}{end}';
  return k('get', 'node', node, '-o', `jsonpath=${path}`);
};
const canExec = () => server.tryKubectl(['exec', 'steady', '--', 'echo', 'in']).stdout === 'in\n';
/** The numbers that the pod `steady` has written. */
const written = () => k('logs', 'steady').trim().split('\n').map(Number);

test('a containerd that is killed is started again; containers do not notice and lose no line', { skip }, async () => {
  const [id, pid, first] = [idOf('steady'), pidOf('steady'), containerdPid()];
  process.kill(first, 'SIGKILL');
  await eventually('another containerd runs', () => containerdPid() !== first, 20);
  await eventually('exec works again', canExec, 20);
  assert.deepEqual([idOf('steady'), pidOf('steady')], [id, pid]);
  assert.equal(statusOf('steady').restartCount, 0);
  const count = written().length;
  await eventually('it writes on', () => written().length > count, 10);
  const numbers = written();
  assert.deepEqual(numbers, [...numbers.keys()]);
  k('run', 'fresh', '--image=busybox:1', '--restart=Never', '--', 'true');
  k('wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/fresh', '--timeout=30s');
});

test('a node whose containerd cannot start says why, and is ready again when it can', { skip }, async () => {
  const [id, pid] = [idOf('steady'), pidOf('steady')];
  // The program itself is the machine's; the folder of its state is ours to take away.
  const config = join(server.dataFolder, 'agent', 'etc', 'containerd.toml');
  const text = readFileSync(config, 'utf8');
  writeFileSync(config, 'version = no number\n');
  process.kill(containerdPid(), 'SIGKILL');
  const told = await eventually('the node is not ready', () => /^False/.test(nodeReady()) && nodeReady(), 30);
  assert.match(told, /^False KubeletNotReady: container runtime is down: /);
  assert.match(server.log(), /containerd ended and is started again .*said=/);
  k('wait', '--for=condition=Ready=False', `node/${node}`, '--timeout=5s');
  assert.match(
    k('get', 'events', '--field-selector', 'reason=NodeNotReady'),
    new RegExp(`Node ${node} status is now: NodeNotReady`),
  );
  writeFileSync(config, text);
  await eventually('the node is ready', () => /^True KubeletReady/.test(nodeReady()), 40);
  await eventually('exec works again', canExec, 20);
  assert.deepEqual([idOf('steady'), pidOf('steady')], [id, pid]);
});

test('a server that is killed leaves its pods alone, and finds them again', { skip }, async () => {
  const [id, pid, first] = [idOf('steady'), pidOf('steady'), containerdPid()];
  await server.stop('SIGKILL');
  await server.start();
  assert.equal(containerdPid(), first, 'the running containerd is taken over');
  await eventually('exec works', canExec, 20);
  assert.deepEqual([idOf('steady'), pidOf('steady'), statusOf('steady').restartCount], [id, pid, 0]);
});

test('a container that is killed is started again, and what it said is kept', { skip }, async () => {
  server.apply(pod('victim', 'echo life $(cat /proc/uptime); sleep 1000'));
  k('wait', '--for=condition=Ready', 'pod/victim', '--timeout=30s');
  const [id, said] = [idOf('victim'), k('logs', 'victim')];
  process.kill(pidOf('victim'), 'SIGKILL');
  const status = await eventually(
    'it runs again',
    () => statusOf('victim').restartCount === 1 && statusOf('victim').ready && statusOf('victim'),
    30,
  );
  assert.notEqual(status.containerID, `containerd://${id}`);
  const { exitCode, reason, containerID } = status.lastState!.terminated!;
  assert.deepEqual(
    { exitCode, reason, containerID },
    { exitCode: 137, reason: 'Error', containerID: `containerd://${id}` },
  );
  assert.equal(k('logs', '--previous', 'victim'), said);
  assert.notEqual(k('logs', 'victim'), said);
});

test('a log that has grown too large is rotated, and who follows it misses nothing', { skip }, async () => {
  const [many, more] = [120_000, 1000];
  const count = (from: number, to: number) =>
    `busybox awk 'BEGIN{for(i=${from};i<=${to};i++) printf "%d %0100d\\n", i, 0}'`;
  const script = `${count(1, many)}; while [ ! -e /tmp/go ]; do sleep 0.1; done; ${count(many + 1, many + more)}`;
  server.apply(pod('wordy', script, '  restartPolicy: Never'));
  k('wait', '--for=condition=Ready', 'pod/wordy', '--timeout=30s');
  const follower = spawn('kubectl', ['--kubeconfig', server.kubeconfig, 'logs', '-f', 'wordy'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(follower, 'exit');
  const [lines, wrong]: [number[], string[]] = [[], []];
  createInterface({ input: follower.stdout }).on('line', line => {
    const [, number] = /^(\d+) 0{100}$/.exec(line) ?? [];
    if (Number(number) === lines.length + 1) lines.push(Number(number));
    else wrong.push(line);
  });
  const folder = join(server.dataFolder, 'log', 'pods', `default_wordy_${read('wordy').metadata.uid}`, 'main');
  await eventually(
    'the log is rotated',
    () => readdirSync(folder).some(name => /^0\.log\.\d{8}-\d{6}$/.test(name)),
    40,
  );
  k('exec', 'wordy', '--', 'touch', '/tmp/go');
  k('wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/wordy', '--timeout=30s');
  await ended;
  assert.deepEqual(wrong.slice(0, 3), []);
  assert.equal(lines.length, many + more);
  assert.match(k('logs', '--tail=1', 'wordy'), new RegExp(`^${many + more} 0+\n$`));
});

test('an archive that is dropped into the images folder is an image at once', { skip }, async () => {
  const folder = join(server.dataFolder, 'dropped');
  cpSync(join(root, 'examples', 'busybox'), folder, { recursive: true });
  const file = join(folder, 'image.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('name: busybox:1', 'name: dropped:1'));
  const images = join(server.dataFolder, 'agent', 'images');
  mkdirSync(images, { recursive: true });
  writeFileSync(join(images, 'broken.tar'), 'this is no archive');
  const built = spawnSync(wherry, ['image', 'build', folder, '--output', join(folder, 'dropped.tar')], {
    encoding: 'utf8',
  });
  assert.equal(built.status, 0, built.stderr);
  renameSync(join(folder, 'dropped.tar'), join(images, 'dropped.tar'));
  await eventually('it is imported', () => /image archive imported file=dropped\.tar/.test(server.log()), 30);
  await eventually(
    'the other is not',
    () => /image archive not imported file=broken\.tar error=/.test(server.log()),
    30,
  );
  k('run', 'dropped', '--image=dropped:1', '--image-pull-policy=Never', '--restart=Never', '--', 'echo', 'here');
  k('wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/dropped', '--timeout=30s');
  assert.equal(k('logs', 'dropped'), 'here\n');
  k('delete', 'pod', 'dropped', '--now');
});

test('dead containers beyond the last and images that nobody uses are collected', { skip }, async () => {
  const cri = connectCri({ socketPath: socketPath(), now: Date.now });
  try {
    const cache = createRuntimeCache(cri);
    const log = { debug: () => undefined } as never;
    const uid = read('victim').metadata.uid!;
    for (const count of [2, 3]) {
      process.kill(pidOf('victim'), 'SIGKILL');
      await eventually(
        `restart ${count}`,
        () => statusOf('victim').restartCount === count && statusOf('victim').ready,
        60,
      );
    }
    const ours = async () => (await cache.refresh(uid)).containers.map(({ state }) => state);
    const before = await ours();
    await cache.relist();
    await collectContainers({ runtime: cri.runtime, cache, log });
    const left = await ours();
    assert.deepEqual(left, ['running', 'exited'], `before: ${before}`);
    assert.match(k('logs', '--previous', 'victim'), /^life /);

    const names = async () =>
      (await cri.images.list()).flatMap(({ repoTags }) => repoTags).map(name => name.replace('docker.io/library/', ''));
    assert.ok((await names()).includes('dropped:1'));
    const gc = createImageGc({
      ...{ images: cri.images, storePath: server.dataFolder, minAgeMs: 60_000 },
      ...{ highPercent: 0, lowPercent: 0, pinned: (await names()).filter(name => /pause/.test(name)) },
    });
    const used = (await cri.runtime.listContainers()).flatMap(one => [one.imageRef, one.image?.image ?? '']);
    const now = Date.now();
    assert.equal(await gc.collect(new Set(used), now), 0, 'what has just been seen is too young');
    assert.ok((await gc.collect(new Set(used), now + 61_000)) > 0);
    const kept = await names();
    assert.ok(!kept.some(name => /^(docker\.io\/)?shop\//.test(name)), kept.join());
    assert.ok(kept.includes('busybox:1') && kept.some(name => /pause/.test(name)), kept.join());
  } finally {
    cri.close();
  }
  k('run', 'again', '--image=busybox:1', '--restart=Never', '--', 'true');
  k('wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/again', '--timeout=30s');
});
