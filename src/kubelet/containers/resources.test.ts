import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Container, PodSpec } from '#api';
import { aPod } from '../testing.ts';
import { containerResources, milliToQuota, milliToShares, oomScoreAdj, podCgroup, podLimits } from './resources.ts';

const gibi = 2 ** 30;
const node = { memoryBytes: 4 * gibi, cgroupVersion: 2 as const };
const container = (requests: object, limits: object = {}, name = 'app'): Container => ({
  name,
  resources: { requests: { ...requests }, limits: { ...limits } },
});
const podWith = (...containers: Container[]) => aPod({ containers });
const guaranteed = container({ cpu: '1', memory: '1Gi' }, { cpu: '1', memory: '1Gi' });

test('processor time becomes shares and a quota within the kernel’s bounds', () => {
  assert.deepEqual([0, 1, 250, 1000, 999_999_999].map(milliToShares), [2, 2, 256, 1024, 262144]);
  assert.deepEqual([1, 10, 250, 2000].map(milliToQuota), [1000, 1000, 25_000, 200_000]);
});

describe('what the runtime enforces', () => {
  const made = (one: Container) => containerResources(podWith(one), one, node);
  test('requests give shares, limits give quota and memory', () => {
    const found = made(container({ cpu: '500m', memory: '64Mi' }, { cpu: '1500m', memory: '128Mi' }));
    assert.deepEqual([found.cpuShares, found.cpuQuota, found.cpuPeriod], [512, 150_000, 100_000]);
    assert.equal(found.memoryLimitInBytes, 128 * 2 ** 20);
  });
  test('a limit without a request is a request too', () => {
    assert.equal(made(container({}, { cpu: '2' })).cpuShares, 2048);
  });
  test('without limits nothing is limited', () => {
    const found = made(container({ cpu: '100m' }));
    assert.equal('cpuQuota' in found || 'memoryLimitInBytes' in found, false);
    assert.equal(made(container({})).cpuShares, 2);
  });
  test('all processes of a container are killed together where groups can do that', () => {
    assert.deepEqual(made(guaranteed).unified, { 'memory.oom.group': '1' });
    const old = containerResources(podWith(guaranteed), guaranteed, { ...node, cgroupVersion: 1 });
    assert.equal(old.unified, undefined);
  });
  test('huge pages are limited by size', () => {
    const found = made(container({}, { 'hugepages-2Mi': '4Mi' }));
    assert.deepEqual(found.hugepageLimits, [{ pageSize: '2MB', limit: 4 * 2 ** 20 }]);
  });
});

describe('who is killed first', () => {
  const score = (one: Container, more: Partial<PodSpec> = {}) =>
    oomScoreAdj(aPod({ containers: [one], ...more }), one, node.memoryBytes);
  test('goes by the class of the pod', () => {
    assert.equal(score(guaranteed), -997);
    assert.equal(score(container({})), 1000);
  });
  test('and in between by the part of the node’s memory that was asked for', () => {
    assert.equal(score(container({ memory: '1Gi' })), 750);
    assert.equal(score(container({ memory: '4Gi' })), 3);
    assert.equal(score(container({ cpu: '1' })), 999);
  });
  test('what the node cannot do without goes last', () => {
    assert.equal(score(container({}), { priority: 2_000_001_000, priorityClassName: 'system-node-critical' }), -997);
    assert.equal(score(container({}), { priority: 2_000_000_000, priorityClassName: 'system-cluster-critical' }), 1000);
  });
  test('a sidecar is not killed before the main containers', () => {
    const sidecar: Container = { ...container({ memory: '1Mi' }, {}, 'net'), restartPolicy: 'Always' };
    const main = [container({ memory: '1Gi' }, {}, 'a'), container({ memory: '2Gi' }, {}, 'b')];
    const pod = aPod({ initContainers: [sidecar], containers: main });
    assert.equal(oomScoreAdj(pod, sidecar, node.memoryBytes), 750);
  });
});

describe('the pod’s group', () => {
  test('lies by its class, in the words of the driver', () => {
    const burstable = podWith(container({ cpu: '1' }));
    const path = (driver: 'cgroupfs' | 'systemd', pod = burstable) => podCgroup(pod, { driver, root: '/kubepods' });
    assert.equal(path('cgroupfs'), '/kubepods/burstable/poduid-1');
    assert.equal(path('cgroupfs', podWith(guaranteed)), '/kubepods/poduid-1');
    assert.equal(path('cgroupfs', podWith(container({}))), '/kubepods/besteffort/poduid-1');
    assert.equal(path('systemd'), 'kubepods-burstable-poduid_1.slice');
    assert.equal(path('systemd', podWith(guaranteed)), 'kubepods-poduid_1.slice');
  });
  test('is limited only where all containers are', () => {
    const [limited, open] = [
      container({ cpu: '1' }, { cpu: '2', memory: '1Gi' }, 'a'),
      container({ cpu: '1' }, { memory: '1Gi' }, 'b'),
    ];
    assert.deepEqual(podLimits(podWith(limited, open)), { cpuShares: 2048, memoryBytes: 2 * gibi });
    assert.deepEqual(podLimits(podWith(limited)), {
      cpuShares: 1024,
      cpuQuotaUs: 200_000,
      cpuPeriodUs: 100_000,
      memoryBytes: gibi,
    });
    assert.deepEqual(podLimits(podWith(container({}))), { cpuShares: 2 });
  });
  test('an init container that needs more than all others counts alone', () => {
    const init = container({ cpu: '3' }, { cpu: '3', memory: '3Gi' }, 'init');
    const pod = aPod({ initContainers: [init], containers: [guaranteed] });
    assert.deepEqual(podLimits(pod), {
      cpuShares: 3072,
      cpuQuotaUs: 300_000,
      cpuPeriodUs: 100_000,
      memoryBytes: 3 * gibi,
    });
  });
});
