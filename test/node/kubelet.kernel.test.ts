/** The node agent with a real containerd and an API in memory: what pods get, how they end, and what they outlive. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Container, ContainerStatus, Pod, PodSpec } from '#api';
import { resources } from '#api';
import type { Running } from '#base';
import type { Kubelet } from '#kubelet';
import { findObstacle, makeNode, type TestNode } from './node.ts';

const skip = findObstacle() ?? false;
let node: TestNode;
let runtime: Running;
let kubelet: Kubelet;

before(async () => {
  if (skip) return;
  node = await makeNode([
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } } as never,
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings', namespace: 'default' },
      data: { color: 'green' },
    } as never,
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'key', namespace: 'default' },
      data: { password: 'aHVzaA==' },
    } as never,
  ]);
  runtime = await node.startRuntime();
  kubelet = await node.startKubelet();
});
after(async () => {
  if (skip) return;
  await kubelet?.[Symbol.asyncDispose]();
  await runtime?.[Symbol.asyncDispose]();
  await node?.[Symbol.asyncDispose]();
});

const ref = (name: string) => ({ namespace: 'default', name });

/** A container of the test image; what the API server would default is set here. */
function shell(name: string, script: string, more: Partial<Container> = {}): Container {
  return {
    name,
    image: 'busybox:1',
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', script],
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    ...more,
  };
}

async function create(name: string, containers: Container[], spec: Partial<PodSpec> = {}): Promise<Pod> {
  return node.client.create(resources.pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app: name }, annotations: { note: 'kept' } },
    spec: {
      nodeName: 'node-1',
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      terminationGracePeriodSeconds: 1,
      enableServiceLinks: true,
      serviceAccountName: 'default',
      containers,
      ...spec,
    },
  });
}

const isReady = (pod: Pod) => pod.status?.conditions?.some(one => one.type === 'Ready' && one.status === 'True');
const statusOf = (pod: Pod | undefined, name: string): ContainerStatus | undefined =>
  [...(pod?.status?.containerStatuses ?? []), ...(pod?.status?.initContainerStatuses ?? [])].find(
    one => one.name === name,
  );
const idOf = (pod: Pod | undefined, name: string) => statusOf(pod, name)?.containerID?.split('//')[1] ?? '';

async function remove(name: string, graceSeconds = 1): Promise<void> {
  await node.client.delete(resources.pods, ref(name), { gracePeriodSeconds: graceSeconds });
}
const untilGone = (name: string) => node.eventually(`${name} is gone`, () => !node.pod(name));

test('the node registers and becomes Ready', { skip }, async () => {
  const ready = await node.eventually('the node is Ready', () =>
    node.client
      .peek(resources.nodes, { name: 'node-1' })
      ?.status?.conditions?.find(one => one.type === 'Ready' && one.status === 'True'),
  );
  assert.equal(ready.reason, 'KubeletReady');
  assert.equal(kubelet.ready(), undefined);
});

test('a pod with an init container and two containers runs, and sees its environment and volumes', {
  skip,
}, async () => {
  const everything = { name: 'shared', mountPath: '/shared' };
  await create(
    'full',
    [
      shell('main', 'echo out; echo err >&2; sleep 100077', {
        env: [
          { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
          { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'key', key: 'password' } } },
          { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
          { name: 'BOTH', value: '$(NODE)-x' },
        ],
        envFrom: [{ configMapRef: { name: 'settings' }, prefix: 'S_' }],
        resources: { requests: { cpu: '50m', memory: '32Mi' }, limits: { cpu: '1', memory: '64Mi' } },
        volumeMounts: [
          everything,
          { name: 'settings', mountPath: '/settings', readOnly: true },
          { name: 'about', mountPath: '/about' },
          { name: 'memory', mountPath: '/memory' },
          { name: 'token', mountPath: '/token' },
        ],
      }),
      shell('side', 'sleep 100077', { volumeMounts: [everything] }),
    ],
    {
      initContainers: [shell('first', 'echo made > /shared/file', { volumeMounts: [everything] })],
      volumes: [
        { name: 'shared', emptyDir: {} },
        { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
        { name: 'settings', configMap: { name: 'settings', defaultMode: 0o640 } },
        { name: 'about', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
        {
          name: 'token',
          projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 3600 } }] },
        },
      ],
    },
  );
  const pod = await node.untilPod('full', isReady);
  assert.equal(pod.status?.phase, 'Running');
  assert.match(pod.status?.podIP ?? '', /^10\.88\.\d+\.\d+$/);
  assert.equal(statusOf(pod, 'first')?.state?.terminated?.reason, 'Completed');
  const see = (script: string, container = 'main') => node.exec('full', container, ['sh', '-c', script]);
  assert.equal(
    await see('echo $NODE $IP $PASSWORD $CPU $BOTH $S_color'),
    `node-1 ${pod.status?.podIP} hush 1 node-1-x green\n`,
  );
  assert.equal(await see('cat /shared/file', 'side'), 'made\n');
  assert.equal(await see('cat /settings/color; stat -Lc %a /settings/color'), 'green640\n');
  assert.equal(await see('cat /about/labels'), 'app="full"');
  assert.match(await see('grep /memory /proc/mounts'), /^tmpfs \/memory tmpfs .*size=1024k/m);
  assert.equal(await see('cat /token/token'), 'token-of-default-default');
  assert.match(await see('cat /etc/resolv.conf'), /^search default\.svc\.cluster\.local .*\nnameserver 10\.43\.0\.10/m);
  assert.match(await see('cat /etc/hosts'), new RegExp(`${pod.status?.podIP}\\s+full`));
  assert.equal(await see('hostname'), 'full\n');
  assert.equal(await see('echo x > /settings/color || echo refused'), 'refused\n');
});

test('logs are in the CRI format at the standard path, with a link by name', { skip }, async () => {
  const pod = node.pod('full')!;
  const folder = join(node.config.podLogsDir, `default_full_${pod.metadata.uid}`, 'main');
  const lines = readFileSync(join(folder, '0.log'), 'utf8').trim().split('\n').sort();
  assert.match(lines.find(line => line.includes('stdout'))!, /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d) stdout F out$/);
  assert.match(lines.find(line => line.includes('stderr'))!, / stderr F err$/);
  const link = join(node.config.containerLogsDir, `full_default_main-${idOf(pod, 'main')}.log`);
  assert.match(readFileSync(link, 'utf8'), /stdout F out/);
});

test('a file of a config map follows its object', { skip }, async () => {
  await node.client.patch(resources.configmaps, ref('settings'), { type: 'merge', body: { data: { color: 'blue' } } });
  await node.eventually(
    'the file follows',
    async () => (await node.exec('full', 'main', ['cat', '/settings/color'])) === 'blue',
  );
});

test('a container that fails is started again after a pause that grows', { skip }, async () => {
  await create('flaky', [shell('main', 'echo last words > /dev/termination-log; exit 3')]);
  const pod = await node.untilPod('flaky', one => statusOf(one, 'main')?.state?.waiting?.reason === 'CrashLoopBackOff');
  const status = statusOf(pod, 'main')!;
  assert.equal(status.lastState?.terminated?.exitCode, 3);
  assert.equal(status.lastState?.terminated?.reason, 'Error');
  assert.equal(status.lastState?.terminated?.message, 'last words\n');
  assert.match(
    status.state?.waiting?.message ?? '',
    /^back-off \d+s restarting failed container=main pod=flaky_default\(/,
  );
  const again = await node.untilPod('flaky', one => (statusOf(one, 'main')?.restartCount ?? 0) >= 2, 40);
  assert.ok(again);
  assert.ok(node.events.some(line => line.startsWith('flaky: Warning BackOff ')));
  await remove('flaky');
  await untilGone('flaky');
});

test('probes decide readiness and restarts', { skip }, async () => {
  const probe = (command: string[]) => ({
    exec: { command },
    periodSeconds: 1,
    failureThreshold: 1,
    successThreshold: 1,
    timeoutSeconds: 2,
  });
  await create('probed', [
    shell('main', 'touch /alive; sleep 100077', {
      readinessProbe: probe(['test', '-e', '/ready']),
      livenessProbe: probe(['test', '-e', '/alive']),
      startupProbe: { ...probe(['test', '-e', '/alive']), failureThreshold: 10 },
    }),
  ]);
  const up = await node.untilPod('probed', one => statusOf(one, 'main')?.started);
  assert.equal(statusOf(up, 'main')?.ready, false);
  await node.exec('probed', 'main', ['touch', '/ready']);
  await node.untilPod('probed', isReady);
  await node.exec('probed', 'main', ['rm', '/alive']);
  const restarted = await node.untilPod('probed', one => statusOf(one, 'main')?.restartCount === 1);
  assert.equal(statusOf(restarted, 'main')?.lastState?.terminated?.exitCode, 137);
  assert.ok(node.events.some(line => line.includes('Unhealthy Liveness probe failed')));
  assert.ok(node.events.some(line => line.includes('Container main failed liveness probe, will be restarted')));
  await remove('probed');
  await untilGone('probed');
});

test('a pod whose containers have done their work has succeeded', { skip }, async () => {
  await create('task', [shell('main', 'echo done')], { restartPolicy: 'Never' });
  const pod = await node.untilPod('task', one => one.status?.phase === 'Succeeded');
  assert.equal(statusOf(pod, 'main')?.state?.terminated?.exitCode, 0);
  await remove('task');
  await untilGone('task');
});

test('a program that is not there is said, and tried again unless the pod says never', { skip }, async () => {
  const wrong = { ...shell('main', ''), command: ['/no/such'] };
  await create('wrong', [wrong]);
  await create('wrong-once', [wrong], { restartPolicy: 'Never' });
  const failed = await node.untilPod('wrong-once', one => one.status?.phase === 'Failed');
  assert.equal(statusOf(failed, 'main')?.state?.terminated?.reason, 'StartError');
  assert.equal(statusOf(failed, 'main')?.state?.terminated?.exitCode, 128);
  await node.untilPod('wrong', one => (statusOf(one, 'main')?.restartCount ?? 0) >= 2, 40);
  const [event] = node.events.filter(line => line.startsWith('wrong: Warning Failed '));
  assert.match(event ?? '', /Error: .*exec: "\/no\/such": stat \/no\/such: no such file or directory/);
  for (const name of ['wrong', 'wrong-once']) await remove(name);
  for (const name of ['wrong', 'wrong-once']) await untilGone(name);
});

test('a deleted pod gets its grace, then nothing of it is left', { skip }, async () => {
  await create('slow', [shell('main', 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.1; done')], {
    terminationGracePeriodSeconds: 20,
  });
  await create('stubborn', [shell('main', 'trap "" TERM; while :; do sleep 1; done')]);
  const [slow, stubborn] = [await node.untilPod('slow', isReady), await node.untilPod('stubborn', isReady)];
  const startedMs = node.clock.monotonicMs();
  await remove('slow', 20);
  await untilGone('slow');
  assert.ok(node.clock.monotonicMs() - startedMs < 8000, 'a container that ends by itself is not waited for');
  await remove('stubborn', 2);
  await untilGone('stubborn');
  await node.eventually('sandboxes are removed', async () => {
    const left = await node.cri.runtime.listSandboxes();
    return !left.some(one => [slow, stubborn].some(pod => one.metadata.uid === pod.metadata.uid));
  });
  for (const { metadata } of [slow, stubborn]) {
    await node.eventually('its folder is removed', () => !existsSync(join(node.config.rootDir, 'pods', metadata.uid!)));
    assert.deepEqual(cgroupsWith(metadata.uid!), []);
  }
});

test('a static pod of the folder runs and has a mirror', { skip }, async () => {
  const path = join(node.config.staticPodDir!, 'still.yaml');
  const manifest = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'still' },
    spec: { containers: [shell('main', 'sleep 100077')] },
  };
  writeFileSync(path, JSON.stringify(manifest));
  const mirror = await node.untilPod('still-node-1', isReady);
  assert.equal(mirror.metadata.annotations?.['kubernetes.io/config.source'], 'file');
  rmSync(path);
  await untilGone('still-node-1');
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

/** Groups of any hierarchy with this in their path. */
function cgroupsWith(text: string): string[] {
  return readdirSync('/sys/fs/cgroup', { recursive: true, withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(path => path.includes(text));
}
