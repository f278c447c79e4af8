/** What pods outlive, and that nothing outlives them: the node agent, containerd and shims killed, everything killed, started again. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Running } from '#base';
import type { Kubelet } from '#kubelet';
import { findObstacle, makeNode, type TestNode } from './node.ts';
import { cgroupsWith, idOf, isReady, podsOf, shell, statusOf } from './pods.ts';

const skip = findObstacle() ?? false;
let node: TestNode;
let runtime: Running;
let kubelet: Kubelet;
const { create, remove } = podsOf(() => node);

before(async () => {
  if (skip) return;
  node = await makeNode();
  runtime = await node.startRuntime();
  kubelet = await node.startKubelet();
  const volumeMounts = [{ name: 'shared', mountPath: '/shared' }];
  await create('full', [shell('main', 'sleep 100077'), shell('side', 'sleep 100077', { volumeMounts })], {
    initContainers: [shell('first', 'echo made > /shared/file', { volumeMounts })],
    volumes: [
      { name: 'shared', emptyDir: {} },
      { name: 'memory', emptyDir: { medium: 'Memory' } },
    ],
  });
  await node.untilPod('full', isReady);
});
after(async () => {
  if (skip) return;
  await kubelet?.[Symbol.asyncDispose]();
  await runtime?.[Symbol.asyncDispose]();
  await node?.[Symbol.asyncDispose]();
});

test('pods go on while the node agent stops and starts again', { skip }, async () => {
  const before = node.pod('full');
  const pid = await pidOf('full', 'main');
  await kubelet[Symbol.asyncDispose]();
  await create('late', [shell('main', 'sleep 100077')]);
  kubelet = await node.startKubelet();
  await node.untilPod('late', isReady);
  await node.eventually('the agent is ready', () => kubelet.ready() === undefined);
  const now = node.pod('full');
  assert.equal(idOf(now, 'main'), idOf(before, 'main'));
  assert.equal(statusOf(now, 'main')?.restartCount, 0);
  assert.ok(isReady(now!));
  assert.equal(await pidOf('full', 'main'), pid);
});

test('what was deleted while the node agent was away is taken away', { skip }, async () => {
  const { metadata } = node.pod('late')!;
  await kubelet[Symbol.asyncDispose]();
  await remove('late', 0);
  assert.equal(node.pod('late'), undefined);
  kubelet = await node.startKubelet();
  await node.eventually('its sandbox is removed', async () => {
    const left = await node.cri.runtime.listSandboxes();
    return !left.some(one => one.metadata.uid === metadata.uid);
  });
  await node.eventually('its folder is removed', () => !existsSync(join(node.config.rootDir, 'pods', metadata.uid!)));
});

test('containerd that is killed is started again; containers do not notice', { skip }, async () => {
  const pid = await pidOf('full', 'main');
  const first = containerdPid();
  process.kill(first, 'SIGKILL');
  await node.eventually('another containerd runs', () => containerdPid() !== first && runtime.ready() === undefined);
  await node.eventually('it answers', () => node.cri.runtime.version().catch(() => undefined));
  assert.equal(await pidOf('full', 'main'), pid);
  await create('after', [shell('main', 'sleep 100077')]);
  await node.untilPod('after', isReady);
  assert.equal(statusOf(node.pod('full'), 'main')?.restartCount, 0);
  const ended = node.records.find(record => record.message === 'containerd ended and is started again');
  assert.equal(ended?.level, 'warn');
});

test('a running containerd is taken over', { skip }, async () => {
  const first = containerdPid();
  const second = await node.startRuntime();
  assert.equal(containerdPid(), first);
  assert.equal(second.ready(), undefined);
  await second[Symbol.asyncDispose]();
  await node.eventually('the first supervisor starts another', () => containerdPid() !== first && !runtime.ready());
});

test('containers go on when the configuration of containerd changes', { skip }, async () => {
  const pid = await pidOf('full', 'main');
  await runtime[Symbol.asyncDispose]();
  const before = containerdPid();
  const left = spawn(node.containerd.programs.containerd, ['--config', node.containerd.configPath], {
    detached: true,
    stdio: 'ignore',
  });
  writeFileSync(node.containerd.configPath, '# another\n');
  runtime = await node.startRuntime();
  assert.notEqual(containerdPid(), before);
  assert.ok(left.signalCode ?? left.exitCode !== null, 'the one with the other configuration is stopped');
  assert.equal(await pidOf('full', 'main'), pid);
  assert.equal(await node.exec('full', 'main', ['echo', 'still']), 'still\n');
});

test('a sandbox that is killed is made anew, and its containers with it', { skip }, async () => {
  const before = node.pod('after')!;
  const [sandbox] = (await node.cri.runtime.listSandboxes()).filter(one => one.metadata.uid === before.metadata.uid);
  process.kill(await sandboxPid(sandbox!.id), 'SIGKILL');
  const now = await node.untilPod('after', pod => isReady(pod) && idOf(pod, 'main') !== idOf(before, 'main'));
  assert.ok(node.events.some(line => line.startsWith('after: Normal SandboxChanged ')));
  assert.equal(statusOf(now, 'main')?.restartCount, 1);
});

test('a pod whose shim is killed runs again', { skip }, async () => {
  const before = node.pod('after')!;
  process.kill(await shimPid('after'), 'SIGKILL');
  const now = await node.untilPod('after', pod => isReady(pod) && idOf(pod, 'main') !== idOf(before, 'main'));
  assert.ok((statusOf(now, 'main')?.restartCount ?? 0) > (statusOf(before, 'main')?.restartCount ?? 0));
});

test('killing everything leaves no process, mount, namespace or group', { skip }, async () => {
  await kubelet[Symbol.asyncDispose]();
  await runtime[Symbol.asyncDispose]();
  // Its containers have nobody above them then.
  process.kill(await shimPid('after'), 'SIGKILL');
  await killAndLook(/^ended \d+ pods\nunmounted \d+ file systems\nremoved \d+ network namespaces$/);
  assert.deepEqual(await node.killPods(), [], 'the second time there is nothing to do');
});

test('pods come back with new containers, as after a reboot', { skip }, async () => {
  const before = node.pod('full')!;
  runtime = await node.startRuntime();
  kubelet = await node.startKubelet();
  const now = await node.untilPod('full', pod => isReady(pod) && idOf(pod, 'main') !== idOf(before, 'main'));
  assert.equal(statusOf(now, 'main')?.restartCount, 1);
  assert.equal(await node.exec('full', 'side', ['cat', '/shared/file']), 'made\n');
  await node.untilPod('after', isReady);
});

test('killing everything stops a containerd that a killed server left', { skip }, async () => {
  await kubelet[Symbol.asyncDispose]();
  await runtime[Symbol.asyncDispose]();
  const { programs, configPath } = node.containerd;
  spawn(programs.containerd, ['--config', configPath], { detached: true, stdio: 'ignore' });
  await killAndLook(/^ended \d+ pods\nstopped containerd\nunmounted \d+ file systems\nremoved \d+ network namespaces$/);
});

async function killAndLook(expected: RegExp): Promise<void> {
  const shims = processes().filter(line => line.includes(node.containerd.socketPath));
  assert.ok(shims.length >= 1, 'shims run before');
  const outside = outsidePaths();
  assert.ok(outside.filter(path => existsSync(path)).length >= 3 * shims.length, outside.join('\n'));
  const said = await node.killPods();
  assert.match(said.join('\n'), expected);
  assert.deepEqual(
    processes().filter(line => line.includes(node.folder) || line.startsWith('sleep 100077')),
    [],
  );
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  assert.deepEqual(
    mounts.filter(line => line.includes(node.folder)),
    [],
  );
  assert.deepEqual(
    outside.filter(path => existsSync(path)),
    [],
  );
  assert.deepEqual(cgroupsWith(node.config.cgroupRoot!), []);
  assert.ok(!existsSync(node.containerd.stateDir));
}

/** The process above the pod's pause process. */
async function shimPid(name: string): Promise<number> {
  const { uid } = node.pod(name)!.metadata;
  const tasks = join(node.containerd.stateDir, 'io.containerd.runtime.v2.task', 'k8s.io');
  for (const id of readdirSync(tasks)) {
    const spec = readFileSync(join(tasks, id, 'config.json'), 'utf8');
    if (!spec.includes(`"io.kubernetes.cri.sandbox-uid":"${uid}"`)) continue;
    const stat = readFileSync(`/proc/${await sandboxPid(id)}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  }
  throw new Error(`no task of ${name}`);
}

/** What containerd, runc and CNI keep outside of the folders that they are given: sockets, namespaces, states and results of our tasks. */
function outsidePaths(): string[] {
  const folder = join(node.containerd.stateDir, 'io.containerd.runtime.v2.task', 'k8s.io');
  return readdirSync(folder).flatMap(id => {
    const spec = readFileSync(join(folder, id, 'config.json'), 'utf8');
    return [
      readFileSync(join(folder, id, 'address'), 'utf8').replace('unix://', ''),
      /"path":"([^"]*\/netns\/[^"]*)"/.exec(spec)?.[1] ?? '',
      join('/run/containerd/runc/k8s.io', id),
      join('/var/lib/cni/results', `${node.network}-${id}-eth0`),
    ];
  });
}

function processes(): string[] {
  return readdirSync('/proc').flatMap(name => {
    try {
      return /^\d+$/.test(name) ? [readFileSync(join('/proc', name, 'cmdline'), 'utf8').replaceAll('\0', ' ')] : [];
    } catch {
      return []; // it ended while we looked
    }
  });
}

const containerdPid = () => Number(readFileSync(join(node.containerd.stateDir, 'containerd.pid'), 'utf8'));

async function sandboxPid(id: string): Promise<number> {
  const folder = join(node.containerd.stateDir, 'io.containerd.runtime.v2.task', 'k8s.io', id);
  return Number(readFileSync(join(folder, 'init.pid'), 'utf8'));
}

const pidOf = (pod: string, container: string) => sandboxPid(idOf(node.pod(pod), container));
