/** The node agent with a real containerd and an API in memory: what pods get and how they end. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { resources } from '#api';
import type { Running } from '#base';
import type { Kubelet } from '#kubelet';
import { findObstacle, makeNode, type TestNode } from './node.ts';
import { cgroupsWith, idOf, isReady, podsOf, shell, statusOf } from './pods.ts';

const skip = findObstacle() ?? false;
let node: TestNode;
let runtime: Running;
let kubelet: Kubelet;
const { create, remove, ref, untilGone } = podsOf(() => node);

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

test('a pod that writes much runs', { skip }, async () => {
  await create('chatty', [shell('main', 'while :; do seq 100; sleep 0.2; done')]);
  await node.untilPod('chatty', isReady);
});

test('a container that takes more memory than it may is killed for it', { skip }, async () => {
  const greedy = { ...shell('main', ''), command: ['/usr/bin/busybox', 'tail', '/dev/zero'] };
  const limits = { requests: { memory: '24Mi' }, limits: { memory: '24Mi' } };
  await create('greedy', [{ ...greedy, resources: limits }], { restartPolicy: 'Never' });
  const pod = await node.untilPod('greedy', one => one.status?.phase === 'Failed');
  assert.equal(statusOf(pod, 'main')?.state?.terminated?.reason, 'OOMKilled');
  assert.equal(statusOf(pod, 'main')?.state?.terminated?.exitCode, 137);
  await remove('greedy');
  await untilGone('greedy');
});

test('hooks run after the start and before the end, probes reach the pod by its address', { skip }, async () => {
  const serve = 'mkdir /www; echo up > /www/index.html; exec httpd -f -p 8080 -h /www';
  const note = (word: string) => ({ exec: { command: ['sh', '-c', `echo ${word} >> /shared/notes`] } });
  const probe = { periodSeconds: 1, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3 };
  const shared = { name: 'shared', mountPath: '/shared' };
  await create(
    'hooked',
    [
      shell('main', serve, {
        ports: [{ name: 'web', containerPort: 8080, protocol: 'TCP' }],
        lifecycle: { postStart: note('started'), preStop: note('stopping') },
        readinessProbe: { ...probe, httpGet: { path: '/', port: 'web', scheme: 'HTTP' } },
        livenessProbe: { ...probe, tcpSocket: { port: 8080 } },
        volumeMounts: [shared],
      }),
    ],
    { volumes: [{ name: 'shared', hostPath: { path: node.folder } }], terminationGracePeriodSeconds: 2 },
  );
  await node.untilPod('hooked', isReady);
  assert.equal(readFileSync(join(node.folder, 'notes'), 'utf8'), 'started\n');
  await remove('hooked', 2);
  await untilGone('hooked');
  assert.equal(readFileSync(join(node.folder, 'notes'), 'utf8'), 'started\nstopping\n');
});

test("a pod on the host's network has the node's address", { skip }, async () => {
  await create('hosted', [shell('main', 'ls /sys/class/net > /dev/termination-log')], {
    hostNetwork: true,
    restartPolicy: 'Never',
  });
  const pod = await node.untilPod('hosted', one => one.status?.phase === 'Succeeded');
  assert.equal(pod.status?.podIP, '192.0.2.1');
  const seen = statusOf(pod, 'main')?.state?.terminated?.message?.trim().split('\n') ?? [];
  for (const name of readdirSync('/sys/class/net').filter(one => !one.startsWith('veth')))
    assert.ok(seen.includes(name));
  await remove('hosted');
  await untilGone('hosted');
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

test('a log that has grown is put aside, packed, and written on', { skip }, async () => {
  const folder = join(node.config.podLogsDir, `default_chatty_${node.pod('chatty')!.metadata.uid}`, 'main');
  const packed = await node.eventually(
    'one is packed',
    () => readdirSync(folder).find(name => name.endsWith('.gz')),
    40,
  );
  assert.match(packed, /^0\.log\.\d{8}-\d{6}\.gz$/);
  const lines = gunzipSync(readFileSync(join(folder, packed))).toString();
  assert.ok(lines.length >= node.config.containerLogMaxSizeBytes);
  assert.match(lines.slice(-60), /^.* stdout F \d+\n$/m);
  await node.eventually('it is written on', () => readFileSync(join(folder, '0.log'), 'utf8').includes(' stdout F '));
  await remove('chatty');
  await untilGone('chatty');
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
