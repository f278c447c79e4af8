import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ContainerStatus, Pod, PodStatus } from '#api';
import { formatTime } from '#base';
import type { RuntimePod } from '../runtime/runtime-pod.ts';
import { aContainer, aPod, aSandbox, atRuntime, exited, startMs, startTime } from '../testing.ts';
import { podStatus, type StatusFacts, withLatest } from './pod-status.ts';

const status = (pod: Pod, runtime: RuntimePod, more: Partial<StatusFacts> = {}): PodStatus =>
  podStatus(pod, runtime, {
    ...{ waiting: new Map(), started: () => true, probedReady: () => true, ended: false },
    ...{ nowMs: startMs, nodeIps: ['192.168.0.1', 'fd00::1'], ...more },
  });
const app = (pod: Pod, runtime: RuntimePod, more?: Partial<StatusFacts>): ContainerStatus =>
  status(pod, runtime, more).containerStatuses![0]!;
const waiting = (reason: string, message?: string) => ({ waiting: new Map([['app', { reason, message }]]) });

describe('a container that does not run', () => {
  const nothing = atRuntime([], []);
  test('is being created at first', () => {
    const made = app(aPod(), nothing);
    assert.deepEqual(made.state, { waiting: { reason: 'ContainerCreating' } });
    assert.deepEqual([made.ready, made.started, made.restartCount, made.image], [false, false, 0, 'app:1']);
    assert.equal(made.containerID, undefined);
  });
  test('waits for the init containers when there are some', () => {
    const made = status(aPod({ initContainers: [{ name: 'init' }] }), nothing);
    assert.deepEqual(made.containerStatuses![0]!.state, { waiting: { reason: 'PodInitializing' } });
    assert.deepEqual(made.initContainerStatuses![0]!.state, { waiting: { reason: 'PodInitializing' } });
  });
  test('tells why it could not be started', () => {
    for (const reason of ['ImagePullBackOff', 'ErrImagePull', 'CreateContainerConfigError', 'RunContainerError']) {
      assert.deepEqual(app(aPod(), nothing, waiting(reason, 'why')).state, { waiting: { reason, message: 'why' } });
    }
  });
});

describe('a container that runs', () => {
  test('shows when it started, what it is, and that it is ready', () => {
    const made = app(aPod(), atRuntime([aContainer('app', { restartCount: 2 })]));
    assert.deepEqual(made.state, { running: { startedAt: startTime } });
    assert.deepEqual([made.ready, made.started, made.restartCount], [true, true, 2]);
    assert.deepEqual([made.containerID, made.imageID], ['containerd://app-2', 'sha256:app']);
    assert.deepEqual(made.lastState, {});
  });
  test('is not ready before it has started or while its probe says no', () => {
    const runtime = atRuntime([aContainer('app')]);
    const starting = app(aPod(), runtime, { started: () => false });
    assert.deepEqual([starting.started, starting.ready], [false, false]);
    const unwell = app(aPod(), runtime, { probedReady: () => false });
    assert.deepEqual([unwell.started, unwell.ready], [true, false]);
  });
  test('remembers how it ended before', () => {
    const before = exited('app', 137, { reason: 'OOMKilled', restartCount: 0 });
    const { lastState } = app(aPod(), atRuntime([aContainer('app', { restartCount: 1 }), before]));
    assert.equal(lastState?.terminated?.reason, 'OOMKilled');
    assert.equal(lastState?.terminated?.containerID, 'containerd://app-0');
  });
});

describe('a container that ended', () => {
  const never = aPod({ restartPolicy: 'Never' });
  test('shows its exit code, its times and its words', () => {
    const { state } = app(never, atRuntime([exited('app', 3, { message: 'no disk' })]));
    assert.deepEqual(state, {
      terminated: {
        ...{ exitCode: 3, reason: 'Error', message: 'no disk', containerID: 'containerd://app-0' },
        ...{ startedAt: startTime, finishedAt: formatTime(startMs + 5000) },
      },
    });
  });
  test('is Completed with exit code 0, and has the runtime’s reason when it gave one', () => {
    const reasonOf = (exitCode: number, reason = '') =>
      app(never, atRuntime([exited('app', exitCode, { reason })])).state!.terminated!.reason;
    assert.equal(reasonOf(0), 'Completed');
    assert.equal(reasonOf(1), 'Error');
    assert.equal(reasonOf(137, 'OOMKilled'), 'OOMKilled');
  });
  test('in back-off it waits, and its end is the last state', () => {
    const message = 'back-off 10s restarting failed container=app pod=web_default(uid-1)';
    const made = app(aPod(), atRuntime([exited('app', 1)]), waiting('CrashLoopBackOff', message));
    assert.deepEqual(made.state, { waiting: { reason: 'CrashLoopBackOff', message } });
    assert.equal(made.lastState?.terminated?.exitCode, 1);
    assert.equal(made.ready, false);
  });
  test('is not shown as waiting when it will not run again', () => {
    const failed = exited('app', 128, { reason: 'StartError' });
    const facts = waiting('RunContainerError', 'no such file');
    assert.equal(app(never, atRuntime([failed]), facts).state?.terminated?.reason, 'StartError');
    const deleted = aPod({}, { metadata: { deletionTimestamp: startTime } });
    assert.equal(app(deleted, atRuntime([failed]), facts).state?.terminated?.reason, 'StartError');
    assert.equal(app(aPod(), atRuntime([failed]), facts).state?.waiting?.reason, 'RunContainerError');
  });
  test('that is gone from the runtime keeps the end that is known', () => {
    const terminated = { exitCode: 0, reason: 'Completed', finishedAt: startTime };
    const old = { name: 'app', image: 'app:1', imageID: 'x', ready: false, restartCount: 1, state: { terminated } };
    const pod = aPod({ restartPolicy: 'Never' }, { status: { phase: 'Succeeded', containerStatuses: [old] } });
    assert.deepEqual(app(pod, atRuntime([], [])).state, { terminated });
  });
  test('that ran and is gone from the runtime has ended in an unknown way', () => {
    const old = { name: 'app', image: '', imageID: '', ready: true, restartCount: 1, state: { running: {} } };
    const pod = aPod({}, { status: { phase: 'Running', containerStatuses: [old] } });
    const made = app(pod, atRuntime([], []));
    assert.equal(made.state?.waiting?.reason, 'ContainerCreating');
    assert.equal(made.lastState?.terminated?.exitCode, 137);
    assert.equal(made.lastState?.terminated?.reason, 'ContainerStatusUnknown');
    assert.equal(made.restartCount, 2);
    assert.equal(status(pod, atRuntime([], [])).phase, 'Running');
  });
});

describe('init containers', () => {
  const pod = aPod({ initContainers: [{ name: 'init' }, { name: 'net', restartPolicy: 'Always' }] });
  test('one is ready when it has succeeded, a sidecar as other containers are', () => {
    const runtime = atRuntime([aContainer('net'), exited('init', 0)]);
    const { initContainerStatuses = [] } = status(pod, runtime);
    assert.deepEqual(
      initContainerStatuses.map(({ name, ready, started }) => [name, ready, started]),
      [
        ['init', true, false],
        ['net', true, true],
      ],
    );
  });
  test('one that failed or runs is not ready', () => {
    for (const container of [exited('init', 1), aContainer('init')]) {
      assert.equal(status(pod, atRuntime([container])).initContainerStatuses![0]!.ready, false, container.state);
    }
  });
});

describe('the status of a pod', () => {
  const running = atRuntime([aContainer('app')]);
  test('has the addresses of node and sandbox', () => {
    const made = status(aPod(), atRuntime([aContainer('app')], [aSandbox({ ips: ['10.42.0.2', 'fd01::2'] })]));
    assert.deepEqual([made.phase, made.hostIP, made.podIP], ['Running', '192.168.0.1', '10.42.0.2']);
    assert.deepEqual(made.hostIPs, [{ ip: '192.168.0.1' }, { ip: 'fd00::1' }]);
    assert.deepEqual(made.podIPs, [{ ip: '10.42.0.2' }, { ip: 'fd01::2' }]);
  });
  test('of a pod on the node’s network has the node’s', () => {
    const onNode = atRuntime([aContainer('app')], [aSandbox({ ips: [], hostNetwork: true })]);
    assert.deepEqual(status(aPod({ hostNetwork: true }), onNode).podIPs, [{ ip: '192.168.0.1' }, { ip: 'fd00::1' }]);
  });
  test('keeps the address when the sandbox is gone', () => {
    const ended = aPod({}, { status: { phase: 'Succeeded', podIPs: [{ ip: '10.42.0.9' }] } });
    assert.equal(status(ended, atRuntime([], [])).podIP, '10.42.0.9');
  });
  test('keeps the start time and what others wrote', () => {
    const old = { startTime: '2025-12-31T00:00:00Z', nominatedNodeName: 'node-2' };
    const made = status(aPod({}, { status: old }), running);
    assert.deepEqual([made.startTime, made.nominatedNodeName], [old.startTime, 'node-2']);
    assert.equal(status(aPod(), running).startTime, startTime);
  });
  test('names the class of its resources', () => {
    assert.equal(status(aPod(), running).qosClass, 'BestEffort');
    const resources = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } };
    assert.equal(status(aPod({ containers: [{ name: 'app', resources }] }), running).qosClass, 'Guaranteed');
  });
  test('tells the generation that was seen', () => {
    assert.equal(status(aPod({}, { metadata: { generation: 7 } }), running).observedGeneration, 7);
  });
  test('a verdict makes the pod Failed whatever its containers did, once none runs', () => {
    const verdict = { reason: 'Evicted', message: 'The node was low on resource: memory.' };
    const before = status(aPod({}, { status: { phase: 'Running' } }), running, { verdict });
    assert.deepEqual([before.phase, before.reason], ['Running', undefined]);
    const made = status(aPod(), running, { verdict, ended: true });
    assert.deepEqual([made.phase, made.reason, made.message], ['Failed', 'Evicted', verdict.message]);
  });
  test('a failed pod keeps why it failed', () => {
    const old = { phase: 'Failed', reason: 'DeadlineExceeded', message: 'too long' };
    const made = status(aPod({}, { status: old }), atRuntime([], []));
    assert.deepEqual([made.phase, made.reason, made.message], ['Failed', 'DeadlineExceeded', 'too long']);
  });
  test('mounts and resources of a container that was made are told', () => {
    const resources = { requests: { cpu: '100m' } };
    const volumeMounts = [{ name: 'v', mountPath: '/v', readOnly: true }];
    const pod = aPod({ containers: [{ name: 'app', resources, volumeMounts }] });
    const made = app(pod, running);
    assert.deepEqual(made.resources, resources);
    assert.deepEqual(made.allocatedResources, { cpu: '100m' });
    assert.deepEqual(made.volumeMounts, [
      { name: 'v', mountPath: '/v', readOnly: true, recursiveReadOnly: 'Disabled' },
    ]);
    assert.equal(app(pod, atRuntime([], [])).resources, undefined);
  });
});

test('what was made last counts, not what an older copy shows, except for what others write', () => {
  const runtime = atRuntime([aContainer('app')]);
  const copy: Pod = { ...aPod(), status: status(aPod(), runtime, { probedReady: () => false }) };
  const latest = status(copy, runtime, { nowMs: startMs + 2000 });
  const gate = { type: 'example.com/gate', status: 'True' };
  const shown = {
    ...copy,
    status: { ...copy.status, nominatedNodeName: 'b', conditions: [...copy.status!.conditions!, gate] },
  };
  for (const nowMs of [startMs + 5000, startMs + 9000]) {
    const made = status(withLatest(shown, latest), runtime, { nowMs });
    assert.deepEqual(made, { ...latest, nominatedNodeName: 'b', conditions: [gate, ...latest.conditions!] });
  }
  const time = (made: PodStatus) => made.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
  assert.deepEqual([time(latest), time(copy.status!)], [formatTime(startMs + 2000), formatTime(startMs)]);
});
