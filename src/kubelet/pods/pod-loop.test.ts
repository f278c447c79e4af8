import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { KubeObject, Pod, PodSpec } from '#api';
import { resources } from '#api';
import { createFakeDeps, type FakeDeps } from '#client/testing';
import { createFakeCgroups, createFakeMounts } from '#host/testing';
import { GrpcError } from '#wire';
import { createFakeCri, type FakeCri } from '#wire/testing';
import { type KubeletConfig, kubeletDefaults } from '../config.ts';
import { startKubelet } from '../kubelet.ts';
import { aPod } from '../testing.ts';

let root: string;
let deps: FakeDeps;
let cri: FakeCri;
let stack: AsyncDisposableStack;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kubelet-'));
  deps = createFakeDeps();
  cri = createFakeCri({ now: () => deps.clock.now() });
  for (const name of ['app', 'side', 'init']) cri.addImage(`${name}:1`);
  stack = new AsyncDisposableStack();
});
afterEach(async () => {
  await stack.disposeAsync();
  await deps[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

/** Starts the agent; `stop` ends it before the test does. */
async function start(more: Partial<KubeletConfig> = {}) {
  await writeFile(join(root, 'resolv.conf'), 'nameserver 192.168.0.53\n');
  const noLimits = { memoryAvailableBytes: 0, nodefsAvailablePercent: 0, nodefsInodesFreePercent: 0 };
  const config: KubeletConfig = {
    ...kubeletDefaults,
    ...{ nodeName: 'node-1', nodeIps: ['192.168.0.1'], version: 'v1.36.0', pauseImage: 'pause:1' },
    ...{ rootDir: join(root, 'lib'), podLogsDir: join(root, 'pods'), containerLogsDir: join(root, 'containers') },
    ...{ resolvConf: join(root, 'resolv.conf'), imageGcHighPercent: 101 },
    eviction: { ...noLimits, imagefsAvailablePercent: 0, pidAvailablePercent: 0 },
    ...more,
  };
  const kubelet = await startKubelet(config, {
    ...deps,
    cri,
    mounts: createFakeMounts(),
    cgroups: createFakeCgroups(),
  });
  const own = stack.use(new AsyncDisposableStack());
  own.use(kubelet);
  return { kubelet, stop: () => own.disposeAsync() };
}

/** Lets time pass until the condition holds; at most `seconds` of the fake clock. */
async function until(condition: () => unknown, seconds = 60): Promise<void> {
  for (let step = 0; step < seconds * 10; step++) {
    if (condition()) return;
    await pass(0.1);
  }
  assert.fail(`not within ${seconds} s: ${condition} ${JSON.stringify(pod()?.status)} ${cri.calls.join(', ')}`);
}
/** Files are read and written meanwhile, which takes turns of the event loop. */
async function pass(seconds: number): Promise<void> {
  for (let left = seconds * 1000; left > 0; left -= 100) {
    for (let turn = 0; turn < 5; turn++) await readdir(root);
    await deps.clock.advance(Math.min(100, left));
  }
}
const pod = (name = 'web') => deps.client.peek(resources.pods, { namespace: 'default', name });
const create = (spec: Partial<PodSpec> = {}, more: Parameters<typeof aPod>[1] = {}) =>
  deps.client.seed(aPod(spec, more) as KubeObject);
const phase = () => pod()?.status?.phase;
const status = (name = 'app') => {
  const { containerStatuses = [], initContainerStatuses = [] } = pod()?.status ?? {};
  return [...containerStatuses, ...initContainerStatuses].find(one => one.name === name);
};
const isReady = () => pod()?.status?.conditions?.some(one => one.type === 'Ready' && one.status === 'True');
const events = (reason: string) => deps.recorded.filter(one => one.reason === reason).map(one => one.message);
const remove = (graceSeconds: number) =>
  deps.client.delete(resources.pods, { namespace: 'default', name: 'web' }, { gracePeriodSeconds: graceSeconds });

describe('a new pod', () => {
  test('gets a sandbox, then its container, and is Running and ready', async () => {
    await start();
    create();
    await until(isReady);
    assert.deepEqual(cri.calls, ['runSandbox web', 'createContainer app', 'startContainer app']);
    const { status: made } = pod()!;
    assert.deepEqual([made!.phase, made!.hostIP, made!.podIP], ['Running', '192.168.0.1', '10.42.0.2']);
    assert.equal(status()?.containerID, `containerd://${cri.newest('app')!.id}`);
    assert.deepEqual(events('Created'), ['Container created']);
    assert.deepEqual(events('Started'), ['Container started']);
  });
  test('finds its logs, hosts file and DNS', async () => {
    await start();
    create();
    await until(isReady);
    assert.deepEqual(await readdir(join(root, 'pods')), ['default_web_uid-1']);
    assert.match(await readFile(join(root, 'lib/pods/uid-1/etc-hosts'), 'utf8'), /^10\.42\.0\.2\tweb$/m);
    const [sandbox] = cri.sandboxes.values();
    assert.deepEqual(sandbox!.config.dnsConfig?.servers, ['10.43.0.10']);
    assert.equal(sandbox!.config.linux.cgroupParent, '/kubepods/besteffort/poduid-1');
  });
  test('runs its init containers to their end, one after the other', async () => {
    await start();
    create({ initContainers: [{ name: 'init', image: 'init:1' }] });
    await until(() => cri.newest('init')?.state === 'CONTAINER_RUNNING');
    await pass(5);
    assert.equal(cri.newest('app'), undefined);
    assert.deepEqual([phase(), status()?.state?.waiting?.reason], ['Pending', 'PodInitializing']);
    cri.exit('init', 0);
    await until(isReady);
    assert.equal(status('init')?.state?.terminated?.reason, 'Completed');
  });
  test('is told why its image cannot be had, and gets it when it can', async () => {
    await start();
    cri.onPull(async image => {
      throw new GrpcError('notFound', `rpc error: ${image}: not found`);
    });
    create({ containers: [{ name: 'app', image: 'other:1' }] });
    await until(() => status()?.state?.waiting?.reason === 'ErrImagePull', 5);
    await until(() => status()?.state?.waiting?.reason === 'ImagePullBackOff', 10);
    assert.equal(phase(), 'Pending');
    cri.onPull(async image => cri.addImage(image));
    await until(isReady);
    assert.match(events('Pulled')[0]!, /^Successfully pulled image "other:1" in \d+ms/);
  });
  test('with a container that cannot be configured says so at once, and starts when it can', async () => {
    await start();
    const env = [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'settings', key: 'x' } } }];
    create({ containers: [{ name: 'app', image: 'app:1', env }] });
    await until(() => status()?.state?.waiting?.reason === 'CreateContainerConfigError', 3);
    assert.equal(status()?.state?.waiting?.message, 'configmap "settings" not found');
    assert.ok(events('Failed').includes('Error: configmap "settings" not found'));
    deps.client.seed({
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' } },
      ...{ data: { x: '1' } },
    } as KubeObject);
    await until(isReady, 15);
    assert.ok(cri.newest('app')!.config.envs.some(one => one.key === 'X' && one.value === '1'));
  });
  test('whose sandbox cannot be made says so, and is tried again', async () => {
    await start();
    cri.refuse(method => (method === 'runSandbox' ? new GrpcError('unknown', 'no network') : undefined));
    create();
    await until(() => events('FailedCreatePodSandBox').length > 0);
    assert.match(events('FailedCreatePodSandBox')[0]!, /^Failed to create pod sandbox: .*no network$/);
    assert.equal(phase(), 'Pending');
    cri.refuse(() => undefined);
    await until(isReady);
  });
  test('that the node has no room for is refused', async () => {
    await start();
    create({ nodeSelector: { zone: 'elsewhere' } });
    await until(() => phase() === 'Failed');
    assert.equal(pod()!.status!.reason, 'NodeAffinity');
    assert.deepEqual(cri.calls, []);
  });
});

describe('a container that ends', () => {
  test('is started again at once, and then after a growing delay', async () => {
    await start();
    create();
    await until(isReady);
    cri.exit('app', 1);
    await until(() => status()?.restartCount === 1 && isReady(), 5);
    assert.equal(status()?.lastState?.terminated?.exitCode, 1);
    const endedMs = deps.clock.now();
    cri.exit('app', 2);
    await until(() => status()?.state?.waiting?.reason === 'CrashLoopBackOff', 5);
    assert.equal(
      status()?.state?.waiting?.message,
      'back-off 10s restarting failed container=app pod=web_default(uid-1)',
    );
    assert.equal(phase(), 'Running');
    assert.equal(events('BackOff')[0], 'Back-off restarting failed container app in pod web_default(uid-1)');
    await until(() => status()?.restartCount === 2 && isReady(), 15);
    assert.ok(deps.clock.now() - endedMs >= 10_000);
  });
  test('under Never ends the pod, whose sandbox is stopped and whose containers stay for their logs', async () => {
    await start();
    create({ restartPolicy: 'Never' });
    await until(isReady);
    cri.exit('app', 0);
    await until(() => phase() === 'Succeeded' && cri.calls.includes('stopSandbox web'));
    assert.equal(status()?.state?.terminated?.reason, 'Completed');
    assert.equal(cri.containers.size, 1);
    assert.equal(pod()!.status!.podIP, '10.42.0.2');
    await pass(30);
    assert.equal(cri.calls.filter(call => call === 'startContainer app').length, 1);
  });
  test('that could not even start under Never fails the pod', async () => {
    await start();
    cri.refuse(method => (method === 'startContainer' ? new GrpcError('unknown', 'no such file') : undefined));
    create({ restartPolicy: 'Never' });
    await until(() => cri.newest('app'));
    await until(() => status()?.state?.waiting?.reason === 'RunContainerError', 5);
    // As containerd leaves it.
    Object.assign(cri.newest('app')!, {
      ...{ state: 'CONTAINER_EXITED', exitCode: 128, reason: 'StartError', finishedAt: deps.clock.now() * 1e6 },
    });
    await until(() => phase() === 'Failed', 15);
    assert.equal(status()?.state?.terminated?.reason, 'StartError');
  });
  test('of a pod with a sidecar takes the sidecar with it when the work is done', async () => {
    await start();
    create({
      restartPolicy: 'Never',
      initContainers: [{ name: 'side', image: 'side:1', restartPolicy: 'Always' }],
    });
    await until(isReady);
    cri.exit('app', 0);
    await until(() => phase() === 'Succeeded');
    assert.ok(cri.calls.indexOf('stopContainer side') > 0);
    assert.equal(cri.newest('side')!.state, 'CONTAINER_EXITED');
  });
});

describe('a deleted pod', () => {
  test('has its containers stopped with its grace, then its sandbox, and goes from the API last', async () => {
    await start();
    create();
    await until(isReady);
    await remove(20);
    assert.ok(pod()?.metadata.deletionTimestamp);
    await until(() => !pod());
    assert.deepEqual(cri.calls.slice(3, 5), ['stopContainer app', 'stopSandbox web']);
    const last = deps.client.calls.filter(call => call.resource.startsWith('pods')).slice(-2);
    assert.deepEqual(
      last.map(call => `${call.verb} ${call.resource}`),
      ['update pods/status', 'delete pods'],
    );
    assert.deepEqual(last[1]!.body, { gracePeriodSeconds: 0, preconditions: { uid: 'uid-1' } });
    assert.equal((last[0]!.body as Pod).status?.phase, 'Failed');
    await until(() => cri.sandboxes.size === 0);
    await until(() => cri.containers.size === 0);
    await until(() => readdirSync(join(root, 'lib/pods')).length === 0);
    await until(() => readdirSync(join(root, 'pods')).length === 0);
  });
  test('gives the runtime the whole grace, and less when it is deleted again', async () => {
    await start();
    create();
    await until(isReady);
    const container = cri.newest('app')!;
    const stop = cri.runtime.stopContainer;
    const held = Promise.withResolvers<void>();
    cri.runtime.stopContainer = async (id, grace) => {
      container.stops.push(grace);
      await held.promise;
      await stop(id, grace);
    };
    await remove(60);
    await until(() => container.stops.length === 1);
    assert.ok(container.stops[0]! > 55 && container.stops[0]! <= 60, String(container.stops));
    await remove(5);
    await until(() => container.stops.length === 2);
    assert.ok(container.stops[1]! <= 5, String(container.stops));
    held.resolve();
    await until(() => !pod());
  });
  test('runs its preStop hook before the signal', async () => {
    await start();
    const preStop = { exec: { command: ['drain'] } };
    create({ containers: [{ name: 'app', image: 'app:1', lifecycle: { preStop } }] });
    await until(isReady);
    await remove(20);
    await until(() => !pod());
    const order = cri.calls.filter(call => /drain|stopContainer/.test(call));
    assert.deepEqual(order, ['execSync drain', 'stopContainer app']);
  });
  test('stops its sidecars last, from last to first', async () => {
    await start();
    cri.addImage('net:1');
    const sidecar = (name: string) => ({ name, image: `${name}:1`, restartPolicy: 'Always' });
    create({ initContainers: [sidecar('side'), sidecar('net')] });
    await until(isReady);
    await remove(20);
    await until(() => !pod());
    const order = cri.calls.filter(call => call.startsWith('stopContainer'));
    assert.deepEqual(order, ['stopContainer app', 'stopContainer net', 'stopContainer side']);
  });
  test('that vanished without a word is ended too', async () => {
    await start();
    create();
    await until(isReady);
    await remove(0);
    assert.equal(pod(), undefined);
    await until(() => cri.sandboxes.size === 0);
    assert.ok(cri.calls.includes('stopContainer app'));
  });
});

describe('the agent', () => {
  test('takes over what runs when it starts again', async () => {
    const first = await start();
    create();
    await until(isReady);
    await first.stop();
    const before = [...cri.calls];
    await start();
    await pass(15);
    assert.deepEqual(cri.calls, before);
    assert.equal(isReady(), true);
    cri.exit('app', 1);
    await until(() => status()?.restartCount === 1 && isReady());
  });
  test('ends what was deleted while it was away', async () => {
    const first = await start();
    create();
    await until(isReady);
    await first.stop();
    await remove(0);
    await start();
    await until(() => cri.sandboxes.size === 0);
  });
  test('waits for a runtime that does not answer, and goes on with what happened meanwhile', async () => {
    const { kubelet } = await start();
    create();
    await until(isReady);
    cri.refuse(() => new GrpcError('unavailable', 'connection refused'));
    await until(() => kubelet.ready() !== undefined);
    assert.match(kubelet.ready()!, /^the container runtime does not answer: .*connection refused/);
    const node = () => deps.client.peek(resources.nodes, { name: 'node-1' });
    const isNodeReady = () => node()?.status?.conditions?.find(one => one.type === 'Ready')?.status;
    await until(() => isNodeReady() === 'False');
    assert.equal(isReady(), true);
    cri.exit('app', 3);
    cri.refuse(() => undefined);
    await until(() => status()?.restartCount === 1 && isReady());
    await until(() => isNodeReady() === 'True');
  });
  test('ends a pod that ran longer than it may', async () => {
    await start();
    create({ activeDeadlineSeconds: 20 });
    await until(isReady);
    await until(() => phase() === 'Failed', 30);
    assert.equal(pod()!.status!.reason, 'DeadlineExceeded');
    assert.equal(cri.newest('app')!.state, 'CONTAINER_EXITED');
  });
});
