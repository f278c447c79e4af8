import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ContainerStatus, Pod } from '#api';
import { aPod } from '../testing.ts';
import { hasFinished, phaseOf } from './phase.ts';

type State = 'waiting' | 'running' | 'starting' | 'crashed' | 'succeeded' | number;

/** `crashed` waits for its next start; a number has exited with it. */
function status(name: string, state: State): ContainerStatus {
  const base = { name, image: '', imageID: '', restartCount: 0, ready: false, started: state === 'running' };
  const made = { ...base, containerID: `containerd://${name}` };
  const ended = (exitCode: number) => ({ terminated: { exitCode } });
  if (state === 'waiting') return { ...base, state: { waiting: { reason: 'ContainerCreating' } } };
  if (state === 'running' || state === 'starting') return { ...made, state: { running: {} } };
  if (state === 'crashed') return { ...made, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: ended(1) };
  if (state === 'succeeded')
    return { ...made, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: ended(0) };
  return { ...made, state: ended(state) };
}

const containers = (...names: string[]) => names.map(name => ({ name }));
const statuses = (main: State[], init: State[]) => ({
  init: init.map((state, index) => status(`init-${index}`, state)),
  main: main.map((state, index) => status(`main-${index}`, state)),
  ephemeral: [],
});
interface Case {
  init?: State[];
  sidecars?: boolean;
  ended?: boolean;
  before?: string;
}
function podOf(restartPolicy: string, main: State[], { init = [], sidecars, before }: Case): Pod {
  const initContainers = init.map((_, index) => ({
    name: `init-${index}`,
    ...(sidecars && { restartPolicy: 'Always' }),
  }));
  const spec = { restartPolicy, containers: containers(...main.map((_, index) => `main-${index}`)), initContainers };
  return aPod(spec, before === undefined ? {} : { status: { phase: before } });
}
const phase = (restartPolicy: string, main: State[], more: Case = {}) =>
  phaseOf(podOf(restartPolicy, main, more), statuses(main, more.init ?? []), more.ended ?? false);
const finished = (restartPolicy: string, main: State[], more: Case = {}) =>
  hasFinished(podOf(restartPolicy, main, more), statuses(main, more.init ?? []));

describe('phase', () => {
  test('a pod of which a container has never run is Pending', () => {
    assert.equal(phase('Always', ['waiting']), 'Pending');
    assert.equal(phase('Always', ['waiting', 'running']), 'Pending');
    assert.equal(phase('Always', ['waiting', 'crashed']), 'Pending');
    assert.equal(phase('Never', ['waiting', 0]), 'Pending');
  });
  test('a pod whose containers all have run is Running while one runs', () => {
    assert.equal(phase('Never', ['running', 'running']), 'Running');
    assert.equal(phase('Never', ['running', 1]), 'Running');
    assert.equal(phase('OnFailure', ['running', 0]), 'Running');
    assert.equal(phase('Always', ['starting']), 'Running');
  });
  test('under Always a pod stays Running when everything has ended', () => {
    assert.equal(phase('Always', [0, 1]), 'Running');
    assert.equal(phase('Always', ['crashed']), 'Running');
  });
  test('under OnFailure it is Succeeded when all succeeded, else Running', () => {
    assert.equal(phase('OnFailure', [0, 0]), 'Succeeded');
    assert.equal(phase('OnFailure', [0, 1]), 'Running');
    assert.equal(phase('OnFailure', [0, 'crashed']), 'Running');
  });
  test('under Never it is Succeeded when all succeeded, else Failed', () => {
    assert.equal(phase('Never', [0, 0]), 'Succeeded');
    assert.equal(phase('Never', [0, 1]), 'Failed');
  });
  test('it is Pending while init containers run, wait or crash', () => {
    for (const init of ['waiting', 'running', 'crashed'] as const) {
      assert.equal(phase('Always', ['waiting'], { init: [init] }), 'Pending', init);
    }
    assert.equal(phase('OnFailure', ['waiting'], { init: [1] }), 'Pending');
    assert.equal(phase('Always', ['waiting'], { init: [0] }), 'Pending');
  });
  test('a failed init container fails a pod that never restarts', () => {
    assert.equal(phase('Never', ['waiting'], { init: [1, 'waiting'] }), 'Failed');
  });
  test('init containers of long ago do not matter to a pod that runs', () => {
    assert.equal(phase('Always', ['running'], { init: ['waiting'] }), 'Running');
  });
  test('it is Pending until sidecars have started, and Running when one restarts later', () => {
    assert.equal(phase('Always', ['waiting'], { init: ['starting'], sidecars: true }), 'Pending');
    assert.equal(phase('Always', ['running'], { init: ['crashed'], sidecars: true }), 'Running');
  });
  test('a pod whose work is done is Running until its sidecars are gone', () => {
    assert.equal(phase('Never', [0], { init: ['running'], sidecars: true }), 'Running');
    assert.equal(phase('Never', [0], { init: [137], sidecars: true }), 'Succeeded');
    assert.equal(phase('Never', [0], { init: [137], sidecars: true, ended: true }), 'Succeeded');
  });
  test('a pod that was ended is Succeeded only when every container succeeded', () => {
    assert.equal(phase('Always', [0, 0], { ended: true }), 'Succeeded');
    assert.equal(phase('Always', [0, 137], { ended: true }), 'Failed');
    assert.equal(phase('Always', [0, 'waiting'], { ended: true }), 'Failed');
    assert.equal(phase('Always', ['waiting'], { ended: true }), 'Failed');
    assert.equal(phase('Always', ['waiting'], { ended: true, init: [0, 'waiting'] }), 'Failed');
  });
  test('a final phase is kept', () => {
    assert.equal(phase('Always', ['running'], { before: 'Failed' }), 'Failed');
    assert.equal(phase('Always', ['waiting'], { before: 'Succeeded' }), 'Succeeded');
  });
});

describe('a pod has done its work', () => {
  test('when all main containers have ended and none is to run again', () => {
    assert.equal(finished('Never', [0, 1]), true);
    assert.equal(finished('OnFailure', [0, 0]), true);
    assert.equal(finished('OnFailure', [0, 1]), false);
    assert.equal(finished('Always', [0]), false);
    assert.equal(finished('Never', [0, 'running']), false);
    assert.equal(finished('Never', [0, 'waiting']), false);
  });
  test('when an init container failed for good', () => {
    assert.equal(finished('Never', ['waiting'], { init: [1] }), true);
    assert.equal(finished('OnFailure', ['waiting'], { init: [1] }), false);
    assert.equal(finished('Never', ['waiting'], { init: [0] }), false);
  });
  test('though its sidecars run on', () => {
    assert.equal(finished('Never', [0], { init: ['running'], sidecars: true }), true);
  });
});
