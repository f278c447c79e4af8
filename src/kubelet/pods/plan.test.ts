import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Pod } from '#api';
import type { RuntimeContainer, RuntimePod } from '../runtime/runtime-pod.ts';
import { aContainer, aPod, aSandbox, atRuntime, exited, startMs } from '../testing.ts';
import { type Action, type Plan, type PlanContext, planEnding, planPod } from './plan.ts';

const context = (more: Partial<PlanContext> = {}): PlanContext => ({
  nowMs: startMs + 10_000,
  hashOf: () => 'h1',
  started: () => true,
  failedProbe: () => undefined,
  backoff: () => ({ leftMs: 0, delayMs: 0 }),
  ...more,
});

/** `start app 1`: what is done, in order, with the restart count, the grace or the attempt. */
const words = ({ actions }: Plan): string[] => actions.map(describeAction);
function describeAction(action: Action): string {
  if (action.do === 'start') return `start ${action.spec.container.name} ${action.restartCount}`;
  if (action.do === 'createSandbox') return `createSandbox ${action.attempt}${action.replaces ? ' anew' : ''}`;
  if (action.do === 'stopSandbox') return `stopSandbox ${action.id}`;
  return ['kill', action.container.name, action.graceSeconds].filter(one => one !== undefined).join(' ');
}
const plan = (pod: Pod, runtime: RuntimePod, more?: Partial<PlanContext>) =>
  words(planPod(pod, runtime, context(more)));
const named = (...names: string[]) => names.map(name => ({ name, image: `${name}:1` }));

describe('restart policies', () => {
  const after = (restartPolicy: string, exitCode: number) =>
    plan(aPod({ restartPolicy }), atRuntime([exited('app', exitCode, { restartCount: 3 })]));
  test('Always starts a container again however it ended', () => {
    assert.deepEqual(after('Always', 0), ['start app 4']);
    assert.deepEqual(after('Always', 1), ['start app 4']);
  });
  test('OnFailure starts a container again only when it failed', () => {
    assert.deepEqual(after('OnFailure', 0), []);
    assert.deepEqual(after('OnFailure', 2), ['start app 4']);
  });
  test('Never starts no container again', () => {
    assert.deepEqual(after('Never', 0), []);
    assert.deepEqual(after('Never', 1), []);
  });
  test('a running container is left alone', () => {
    assert.deepEqual(plan(aPod(), atRuntime([aContainer('app', { hash: 'h1' })])), []);
  });
  test('a container that was made but never started is made again', () => {
    assert.deepEqual(plan(aPod({ restartPolicy: 'Never' }), atRuntime([aContainer('app', { state: 'created' })])), [
      'start app 1',
    ]);
  });
  test('a container of unknown state is killed before anything else is made of it', () => {
    const unknown = aContainer('app', { state: 'unknown' });
    assert.deepEqual(plan(aPod(), atRuntime([unknown])), ['kill app']);
  });
  test('rules of the container for its exit codes come before its policy', () => {
    const restartPolicyRules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }];
    const pod = aPod({
      restartPolicy: 'Never',
      containers: [{ name: 'app', image: 'app:1', restartPolicy: 'Never', restartPolicyRules }],
    });
    assert.deepEqual(plan(pod, atRuntime([exited('app', 42)])), ['start app 1']);
    assert.deepEqual(plan(pod, atRuntime([exited('app', 1)])), []);
  });
  test('a container whose definition changed is killed, to be started when it has ended', () => {
    const runtime = atRuntime([aContainer('app', { hash: 'other' })]);
    const { actions } = planPod(aPod(), runtime, context());
    assert.equal(actions.length, 1);
    assert.equal(
      actions[0]!.do === 'kill' && actions[0]!.message,
      'Container app definition changed, will be restarted',
    );
  });
  test('only the newest instance counts', () => {
    const runtime = atRuntime([aContainer('app', { restartCount: 2 }), exited('app', 1, { restartCount: 1 })]);
    assert.deepEqual(plan(aPod(), runtime), []);
  });
});

describe('back-off', () => {
  const crashed = atRuntime([exited('app', 1)]);
  const waiting = { backoff: () => ({ leftMs: 4000, delayMs: 10_000 }) };
  test('a container in back-off is not started, and says so', () => {
    const { actions, waiting: reasons, againMs } = planPod(aPod(), crashed, context(waiting));
    assert.deepEqual(actions, []);
    assert.equal(againMs, 4000);
    assert.deepEqual(reasons.get('app'), {
      reason: 'CrashLoopBackOff',
      message: 'back-off 10s restarting failed container=app pod=web_default(uid-1)',
    });
  });
  test('the soonest of several back-offs is when to look again', () => {
    const pod = aPod({ containers: named('a', 'b') });
    const backoff = ({ name }: RuntimeContainer) => ({ leftMs: name === 'a' ? 9000 : 3000, delayMs: 20_000 });
    const made = planPod(pod, atRuntime([exited('a', 1), exited('b', 1)]), context({ backoff }));
    assert.equal(made.againMs, 3000);
    assert.deepEqual([...made.waiting.keys()], ['a', 'b']);
  });
  test('one container in back-off does not keep another from starting', () => {
    const pod = aPod({ containers: named('a', 'b') });
    const backoff = ({ name }: RuntimeContainer) => ({ leftMs: name === 'a' ? 9000 : 0, delayMs: 20_000 });
    assert.deepEqual(plan(pod, atRuntime([exited('a', 1), exited('b', 1)]), { backoff }), ['start b 1']);
  });
  test('the back-off outlives the sandbox', () => {
    const runtime = atRuntime(
      [exited('app', 1, { sandboxId: 's0' })],
      [aSandbox(), aSandbox({ id: 's0', ready: false })],
    );
    assert.deepEqual(plan(aPod(), runtime, waiting), []);
    assert.deepEqual(plan(aPod(), runtime), ['start app 1']);
  });
});

describe('init containers', () => {
  const pod = aPod({ initContainers: named('one', 'two') });
  test('the first is started first and alone', () => {
    assert.deepEqual(plan(pod, atRuntime([])), ['start one 0']);
    assert.deepEqual(plan(pod, atRuntime([aContainer('one')])), []);
  });
  test('each waits for the one before, the main containers for all', () => {
    assert.deepEqual(plan(pod, atRuntime([exited('one', 0)])), ['start two 0']);
    assert.deepEqual(plan(pod, atRuntime([aContainer('two'), exited('one', 0)])), []);
    assert.deepEqual(plan(pod, atRuntime([exited('two', 0), exited('one', 0)])), ['start app 0']);
  });
  test('one that failed is started again under Always and OnFailure', () => {
    for (const restartPolicy of ['Always', 'OnFailure']) {
      const failed = aPod({ ...pod.spec, restartPolicy });
      assert.deepEqual(plan(failed, atRuntime([exited('one', 1)])), ['start one 1'], restartPolicy);
    }
  });
  test('one that failed under Never is not started again, and nothing after it', () => {
    assert.deepEqual(plan(aPod({ ...pod.spec, restartPolicy: 'Never' }), atRuntime([exited('one', 1)])), []);
  });
  test('they do not run again when a main container restarts', () => {
    assert.deepEqual(plan(pod, atRuntime([exited('app', 1)])), ['start app 1']);
  });
  test('one that was collected before a later one is not run again', () => {
    assert.deepEqual(plan(pod, atRuntime([exited('two', 0)])), ['start app 0']);
  });
  test('a new sandbox runs them all again', () => {
    const old = ['app', 'two', 'one'].map(name => exited(name, 0, { sandboxId: 's0' }));
    const runtime = atRuntime(old, [aSandbox(), aSandbox({ id: 's0', ready: false })]);
    assert.deepEqual(plan(pod, runtime), ['start one 1']);
  });
});

describe('sidecars', () => {
  const sidecar = (name: string) => ({ name, image: `${name}:1`, restartPolicy: 'Always' });
  const pod = aPod({ initContainers: [sidecar('log'), { name: 'init', image: 'init:1' }, sidecar('net')] });
  const unstarted = (...names: string[]) => ({ started: ({ name }: RuntimeContainer) => !names.includes(name) });
  test('what follows waits until a sidecar has started', () => {
    assert.deepEqual(plan(pod, atRuntime([])), ['start log 0']);
    assert.deepEqual(plan(pod, atRuntime([aContainer('log')]), unstarted('log')), []);
    assert.deepEqual(plan(pod, atRuntime([aContainer('log')])), ['start init 0']);
  });
  test('the main containers wait for the last sidecar', () => {
    const runtime = atRuntime([aContainer('net'), exited('init', 0), aContainer('log')]);
    assert.deepEqual(plan(pod, runtime, unstarted('net')), []);
    assert.deepEqual(plan(pod, runtime), ['start app 0']);
  });
  test('a sidecar that ends is started again whatever the policy of the pod', () => {
    const never = aPod({ ...pod.spec, restartPolicy: 'Never' });
    const runtime = atRuntime([aContainer('app'), aContainer('net'), exited('init', 0), exited('log', 0)]);
    assert.deepEqual(plan(never, runtime), ['start log 1']);
  });
  test('a sidecar that restarts does not hold back main containers once they were made', () => {
    const runtime = atRuntime([exited('app', 1), aContainer('net'), exited('init', 0), exited('log', 1)]);
    assert.deepEqual(plan(pod, runtime), ['start log 1', 'start app 1']);
  });
});

describe('probes', () => {
  test('a container that a probe condemns is killed with the probe’s own grace', () => {
    const failedProbe = () => ({ message: 'Container app failed liveness probe, will be restarted', graceSeconds: 5 });
    const made = planPod(aPod(), atRuntime([aContainer('app')]), context({ failedProbe }));
    assert.deepEqual(words(made), ['kill app 5']);
  });
  test('without a grace of its own the pod’s is taken', () => {
    const failedProbe = () => ({ message: 'unwell', graceSeconds: undefined });
    assert.deepEqual(plan(aPod(), atRuntime([aContainer('app')]), { failedProbe }), ['kill app']);
  });
});

describe('ephemeral containers', () => {
  const pod = aPod({ ephemeralContainers: [{ name: 'debug', image: 'debug:1' }] });
  test('one is started beside what runs', () => {
    assert.deepEqual(plan(pod, atRuntime([aContainer('app')])), ['start debug 0']);
  });
  test('one that ended is not started again', () => {
    assert.deepEqual(plan(pod, atRuntime([exited('debug', 1), aContainer('app')])), []);
  });
});

describe('sandboxes', () => {
  const dead = aSandbox({ ready: false });
  test('a new pod gets its sandbox first', () => {
    assert.deepEqual(plan(aPod(), atRuntime([], [])), ['createSandbox 0']);
  });
  test('a sandbox that died takes its containers with it and is replaced', () => {
    assert.deepEqual(plan(aPod(), atRuntime([aContainer('app')], [dead])), ['kill app', 'createSandbox 1 anew']);
  });
  test('a sandbox without an address is replaced, unless the pod is on the node’s network', () => {
    const bare = [aSandbox({ ips: [] })];
    assert.deepEqual(plan(aPod(), atRuntime([], bare)), ['stopSandbox s1', 'createSandbox 1 anew']);
    const onNode = [aSandbox({ ips: [], hostNetwork: true })];
    assert.deepEqual(plan(aPod({ hostNetwork: true }), atRuntime([], onNode)), ['start app 0']);
  });
  test('two ready sandboxes are one too many: both go', () => {
    const two = [aSandbox({ id: 's2', attempt: 1 }), aSandbox()];
    assert.deepEqual(plan(aPod(), atRuntime([], two)), ['stopSandbox s2', 'stopSandbox s1', 'createSandbox 2 anew']);
  });
  test('a pod that never restarts gets no second sandbox once a container was made', () => {
    const never = aPod({ restartPolicy: 'Never' });
    assert.deepEqual(plan(never, atRuntime([exited('app', 137)], [dead])), []);
    assert.deepEqual(plan(never, atRuntime([], [dead])), ['createSandbox 1 anew']);
  });
  test('a pod whose work is done gets no new sandbox', () => {
    const onFailure = aPod({ restartPolicy: 'OnFailure' });
    assert.deepEqual(plan(onFailure, atRuntime([exited('app', 0)], [dead])), []);
    assert.deepEqual(plan(onFailure, atRuntime([exited('app', 1)], [dead])), ['createSandbox 1 anew']);
  });
  test('a container in back-off does not delay the new sandbox', () => {
    const backoff = () => ({ leftMs: 4000, delayMs: 10_000 });
    assert.deepEqual(plan(aPod(), atRuntime([exited('app', 1)], [dead]), { backoff }), ['createSandbox 1 anew']);
  });
});

describe('ending', () => {
  const sidecar = (name: string) => ({ name, image: `${name}:1`, restartPolicy: 'Always' });
  const pod = aPod({ containers: named('a', 'b'), initContainers: [sidecar('log'), sidecar('net')] });
  const all = ['a', 'b', 'net', 'log'].map(name => aContainer(name));
  const end = (runtime: RuntimePod, leftSeconds = 30) =>
    planEnding(pod, runtime, { graceSeconds: 30, deadlineMs: startMs + leftSeconds * 1000 }, startMs);
  test('the main containers are stopped together, the sidecars wait', () => {
    assert.deepEqual(words(end(atRuntime(all))), ['kill a 30', 'kill b 30']);
  });
  test('then the sidecars go from last to first with what is left of the grace', () => {
    assert.deepEqual(words(end(atRuntime([aContainer('net'), aContainer('log')]), 12)), ['kill net 12']);
    assert.deepEqual(words(end(atRuntime([exited('net', 0), aContainer('log')]), 7)), ['kill log 7']);
  });
  test('when the grace is over nothing waits for its turn', () => {
    assert.deepEqual(words(end(atRuntime(all), 0)), ['kill a 30', 'kill b 30', 'kill net 0', 'kill log 0']);
    assert.deepEqual(words(end(atRuntime([aContainer('net'), aContainer('log')]), 0)), ['kill net 0', 'kill log 0']);
  });
  test('the sandbox is stopped when no container is left, and then the pod has ended', () => {
    const stopping = end(atRuntime([exited('a', 0)]));
    assert.deepEqual(words(stopping), ['stopSandbox s1']);
    assert.equal(stopping.ended, false);
    assert.deepEqual(end(atRuntime([exited('a', 0)], [aSandbox({ ready: false })])).ended, true);
    assert.equal(end(atRuntime([], [])).ended, true);
  });
  test('an unknown pod has all its containers stopped at once', () => {
    const made = planEnding(undefined, atRuntime(all), { graceSeconds: 5, deadlineMs: startMs + 5000 }, startMs);
    assert.deepEqual(words(made), ['kill a 5', 'kill b 5', 'kill net 5', 'kill log 5']);
  });
});
