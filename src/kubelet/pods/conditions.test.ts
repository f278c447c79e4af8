import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ContainerStatus, Pod, PodCondition } from '#api';
import { formatTime } from '#base';
import { aPod, startMs, startTime } from '../testing.ts';
import { podConditions } from './conditions.ts';

const status = (name: string, more: Partial<ContainerStatus> = {}): ContainerStatus => ({
  ...{ name, image: '', imageID: '', restartCount: 0, ready: true, started: true, state: { running: {} } },
  ...more,
});
const unready = { ready: false, started: false, state: { waiting: { reason: 'ContainerCreating' } } };

function conditionsOf(
  pod: Pod,
  lists: { main?: ContainerStatus[]; init?: ContainerStatus[] } = {},
  facts: { phase?: string; sandboxReady?: boolean; nowMs?: number } = {},
): PodCondition[] {
  const { main = [status('app')], init = [] } = lists;
  return podConditions(
    pod,
    { main, init, ephemeral: [] },
    { phase: 'Running', sandboxReady: true, nowMs: startMs, ...facts },
  );
}
/** `False ReasonOfIt: message`. */
function told(type: string, conditions: PodCondition[]): string {
  const { status, reason = '', message = '' } = conditions.find(one => one.type === type)!;
  return [status, reason && ` ${reason}`, message && `: ${message}`].join('');
}

describe('conditions', () => {
  test('all five are there, each with the generation that was seen', () => {
    const pod = aPod({}, { metadata: { generation: 4 } });
    const made = conditionsOf(pod);
    assert.deepEqual(
      made.map(one => one.type),
      ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'],
    );
    assert.ok(made.every(one => one.status === 'True' && one.observedGeneration === 4));
  });
  test('without a sandbox the pod is not ready to start containers', () => {
    assert.equal(told('PodReadyToStartContainers', conditionsOf(aPod(), {}, { sandboxReady: false })), 'False');
  });
  test('containers that are not ready are named', () => {
    const pod = aPod({ containers: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] });
    const main = [status('a', unready), status('b'), status('c', unready)];
    const made = conditionsOf(pod, { main });
    assert.equal(told('ContainersReady', made), 'False ContainersNotReady: containers with unready status: [a c]');
    assert.equal(told('Ready', made), 'False ContainersNotReady: containers with unready status: [a c]');
  });
  test('a sidecar that is not ready keeps the pod from being ready, a finished init container does not', () => {
    const pod = aPod({ initContainers: [{ name: 'init' }, { name: 'net', restartPolicy: 'Always' }] });
    const init = [status('init', { ready: false }), status('net', { ready: false })];
    assert.equal(
      told('ContainersReady', conditionsOf(pod, { init })),
      'False ContainersNotReady: containers with unready status: [net]',
    );
  });
  test('a pod that has ended is not ready, and says how it ended', () => {
    assert.equal(told('Ready', conditionsOf(aPod(), {}, { phase: 'Succeeded' })), 'False PodCompleted');
    assert.equal(told('ContainersReady', conditionsOf(aPod(), {}, { phase: 'Failed' })), 'False PodFailed');
    assert.equal(told('Initialized', conditionsOf(aPod(), {}, { phase: 'Succeeded' })), 'True PodCompleted');
  });
});

describe('readiness gates', () => {
  const gated = (...conditions: PodCondition[]) =>
    aPod({ readinessGates: [{ conditionType: 'example.com/lb' }] }, { status: { conditions } });
  const gate = (status: string): PodCondition => ({ type: 'example.com/lb', status });
  test('one without its condition keeps the pod from being ready, not its containers', () => {
    const made = conditionsOf(gated());
    assert.equal(
      told('Ready', made),
      'False ReadinessGatesNotReady: corresponding condition of pod readiness gate "example.com/lb" does not exist.',
    );
    assert.equal(told('ContainersReady', made), 'True');
  });
  test('one that is not True is told with what it is', () => {
    assert.equal(
      told('Ready', conditionsOf(gated(gate('False')))),
      'False ReadinessGatesNotReady: the status of pod readiness gate "example.com/lb" is not "True", but False',
    );
  });
  test('when all are True the pod is ready, and the conditions of others are kept', () => {
    const made = conditionsOf(gated(gate('True')));
    assert.equal(told('Ready', made), 'True');
    assert.deepEqual(made[0], gate('True'));
  });
});

describe('Initialized', () => {
  const pod = aPod({ initContainers: [{ name: 'one' }, { name: 'net', restartPolicy: 'Always' }, { name: 'two' }] });
  const main = [status('app', unready)];
  const done = { started: false, state: { terminated: { exitCode: 0 } } };
  test('names init containers that are not complete and sidecars that have not started', () => {
    const init = [status('one', done), status('net', { started: false }), status('two', { ready: false })];
    assert.equal(
      told('Initialized', conditionsOf(pod, { main, init })),
      'False ContainersNotInitialized: containers with incomplete status: [net two]',
    );
  });
  test('is True when all are, though sidecars need not be ready', () => {
    const init = [status('one', done), status('net', { ready: false }), status('two', done)];
    assert.equal(told('Initialized', conditionsOf(pod, { main, init })), 'True');
  });
  test('stays True when a sidecar restarts beside a main container that runs', () => {
    const init = [status('one', done), status('net', unready), status('two', done)];
    const starting = [status('app', { ready: false, started: false })];
    assert.equal(told('Initialized', conditionsOf(pod, { main: starting, init })), 'True');
  });
});

describe('lastTransitionTime', () => {
  const before = (status: string) =>
    aPod({}, { status: { conditions: [{ type: 'Ready', status, lastTransitionTime: startTime }] } });
  const later = startMs + 60_000;
  const timeOf = (pod: Pod) =>
    conditionsOf(pod, {}, { nowMs: later }).find(one => one.type === 'Ready')!.lastTransitionTime;
  test('stays while the status stays', () => {
    assert.equal(timeOf(before('True')), startTime);
  });
  test('is now when the status changes', () => {
    assert.equal(timeOf(before('False')), formatTime(later));
  });
});
