/** How pods live and end: probes, hooks, grace, init containers, deadlines, and the controllers that make them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, skip, startWords, type Words } from './cluster.ts';

let w: Words;
before(async () => {
  if (skip) return;
  w = await startWords();
  w.applyFile('pod-life');
});
after(async () => {
  await w?.server[Symbol.asyncDispose]();
});

const column = (pod: string) => w.k('get', 'pod', pod, '--no-headers').split(/ +/);
const waitsFor = (object: string, what: string) => w.k('wait', `--for=${what}`, object, '--timeout=60s');
const slice = () =>
  w.k(
    'get',
    'endpointslices',
    '-l',
    'kubernetes.io/service-name=probed',
    '-o',
    'jsonpath={.items[0].endpoints[*].conditions.ready}',
  );

test('readiness follows its probe, and the Service follows readiness', { skip }, async () => {
  w.ready('http-probed');
  await eventually('it is in the slice', () => slice() === 'true', 10);
  w.sh('http-probed', 'rm /tmp/www/ready');
  waitsFor('pod/http-probed', 'condition=Ready=false');
  await eventually('it is out of the slice', () => slice() === 'false', 10);
  // On a busy machine the startup probe may have failed before.
  const said = await w.untilEvent('http-probed', /Unhealthy Readiness/);
  assert.equal(said, 'Warning Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 404');
  w.sh('http-probed', 'touch /tmp/www/ready');
  w.ready('http-probed');
  assert.equal(column('http-probed')[3], '0');
});

test('a failed liveness probe restarts the container', { skip }, async () => {
  assert.match(await w.untilEvent('dying', /Unhealthy/), /^Warning Unhealthy Liveness probe failed: cat: .*\/alive/);
  assert.equal(
    await w.untilEvent('dying', /Killing/),
    'Normal Killing Container main failed liveness probe, will be restarted',
  );
  await eventually('it is restarted', () => Number(column('dying')[3]) > 0, 20);
});

test('until the startup probe has passed nothing else is probed', { skip }, async () => {
  await w.untilEvent('never-started', /Startup probe failed: dial tcp .*:9: connect: connection refused/);
  assert.deepEqual(
    w.events('never-started').filter(line => /Liveness/.test(line)),
    [],
  );
  assert.deepEqual(column('never-started').slice(1, 4), ['0/1', 'Running', '0']);
});

test('hooks run before and after, and a process gets its signal after preStop', { skip }, () => {
  w.ready('hooked');
  w.k('delete', 'pod', 'hooked', '--timeout=30s');
  assert.equal(readFileSync(join(w.server.dataFolder, 'trace', 'log'), 'utf8'), 'start\nstop\nterm\n');
});

test('a postStart hook that fails ends the container', { skip }, async () => {
  const said = await w.untilEvent('bad-hook', /FailedPostStartHook/);
  assert.match(said, /^Warning FailedPostStartHook PostStartHook failed/);
});

test('a pod that does not end can be deleted by force', { skip }, () => {
  w.ready('stubborn');
  const { stderr, stdout } = w.server.tryKubectl(['delete', 'pod', 'stubborn', '--grace-period=0', '--force']);
  assert.match(stderr + stdout, /pod "stubborn" force deleted/);
  assert.match(w.server.tryKubectl(['get', 'pod', 'stubborn']).stderr, /NotFound/);
});

test('init containers that fail are seen in the column', { skip }, async () => {
  w.phase('init-fails', 'Failed');
  assert.deepEqual(column('init-fails').slice(1, 4), ['0/1', 'Init:Error', '0']);
  await eventually('it loops', () => column('init-loops')[2] === 'Init:CrashLoopBackOff', 30);
  assert.equal(
    w.field('pod/init-loops', '{.status.conditions[?(@.type=="Initialized")].message}'),
    'containers with incomplete status: [first second]',
  );
});

test('OnFailure starts again until it works', { skip }, () => {
  w.phase('on-failure', 'Succeeded');
  assert.deepEqual(column('on-failure').slice(1, 4), ['0/1', 'Completed', '1']);
});

test('a pod over its deadline fails', { skip }, () => {
  w.phase('deadline', 'Failed');
  assert.equal(
    w.field('pod/deadline', '{.status.reason}: {.status.message}'),
    'DeadlineExceeded: Pod was active on the node longer than the specified deadline',
  );
  // As upstream's printer: how a container ended hides why the pod did.
  assert.equal(column('deadline')[2], 'Error');
});

test('a readiness gate holds the pod until somebody opens it', { skip }, () => {
  waitsFor('pod/gated', 'condition=ContainersReady');
  const ready = '{.status.conditions[?(@.type=="Ready")].message}';
  assert.equal(
    w.field('pod/gated', ready),
    'corresponding condition of pod readiness gate "example.com/loaded" does not exist.',
  );
  const conditions = [{ type: 'example.com/loaded', status: 'True' }];
  w.k('patch', 'pod', 'gated', '--subresource=status', '-p', JSON.stringify({ status: { conditions } }));
  w.ready('gated');
});

test('a pod that fits nowhere says why; one that was put where it does not fit fails', { skip }, async () => {
  assert.equal(
    await w.untilEvent('nowhere', /FailedScheduling/),
    "Warning FailedScheduling 0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
  );
  w.phase('wrong-node', 'Failed');
  assert.equal(column('wrong-node')[2], 'NodeAffinity');
});

test('Jobs end: with sidecars, with indexes, and without hope', { skip }, () => {
  waitsFor('job/with-sidecar', 'condition=complete');
  waitsFor('job/indexed', 'condition=complete');
  assert.equal(w.field('job/indexed', '{.status.completedIndexes}'), '0-2');
  assert.match(w.k('logs', '-l', 'job-name=indexed'), /^2 indexed-2$/m);
  waitsFor('job/hopeless', 'condition=failed');
  assert.equal(w.field('job/hopeless', '{.status.conditions[?(@.type=="Failed")].reason}'), 'BackoffLimitExceeded');
  w.k('create', 'job', 'now', '--from=cronjob/yearly');
  waitsFor('job/now', 'condition=complete');
  assert.equal(w.k('logs', 'job/now'), 'by hand\n');
});

test('a StatefulSet starts in order, and its pods have names', { skip }, () => {
  w.k('rollout', 'status', 'sts/db', '--timeout=60s');
  const started = (pod: string) => Date.parse(w.field(`pod/${pod}`, '{.metadata.creationTimestamp}'));
  assert.ok(started('db-0') <= started('db-1'));
  assert.ok(
    w.sh('db-0', 'nslookup db-1.db.default.svc.cluster.local').includes(w.field('pod/db-1', '{.status.podIP}')),
  );
});

test('a DaemonSet has its pod, and an update replaces it', { skip }, () => {
  w.k('rollout', 'status', 'ds/agent', '--timeout=60s');
  assert.match(w.k('get', 'ds', 'agent'), /^agent +1 +1 +1 +1 +1 +<none>/m);
  w.k('set', 'env', 'ds/agent', 'A=1');
  assert.match(w.k('rollout', 'status', 'ds/agent', '--timeout=60s'), /daemon set "agent" successfully rolled out/);
  w.k('rollout', 'undo', 'ds/agent');
  w.k('rollout', 'status', 'ds/agent', '--timeout=60s');
  assert.match(w.k('rollout', 'history', 'ds/agent'), /^3 /m);
});

test('a Deployment rolls on, back, pauses and restarts', { skip }, () => {
  const done = () => w.k('rollout', 'status', 'deploy/site', '--timeout=60s');
  done();
  w.k('rollout', 'pause', 'deploy/site');
  w.k('set', 'env', 'deploy/site', 'A=1');
  assert.equal(w.field('deploy/site', '{.status.updatedReplicas}'), '');
  w.k('rollout', 'resume', 'deploy/site');
  done();
  w.k('rollout', 'undo', 'deploy/site');
  done();
  assert.equal(w.field('deploy/site', '{.spec.template.spec.containers[0].env}'), '');
  w.k('rollout', 'restart', 'deploy/site');
  done();
  assert.match(w.k('rollout', 'history', 'deploy/site'), /^2 .*\n3 .*\n4 /m);
});

test('a debug container joins a running pod; attach carries input', { skip }, async () => {
  const debug = ['debug', 'gated', '--image=busybox:1', '-c', 'look', '--', 'sh', '-c', 'echo looking; sleep 1000'];
  w.k(...debug);
  await eventually('it looks', () => /looking/.test(w.server.tryKubectl(['logs', 'gated', '-c', 'look']).stdout), 20);
  const run = ['run', 'echoing', '-i', '--rm', '--restart=Never', '--image=busybox:1', '--', 'cat'];
  const { stdout } = await w.server.runKubectl(run, 'through\n');
  assert.match(stdout, /through/);
});

test('an eviction heeds the budget, and a drain empties the node but for daemons', { skip }, async () => {
  const names = () => w.k('get', 'pods', '-l', 'app=site', '-o', 'name').trim().split('\n');
  const [one] = await eventually('the old ones are gone', () => names().length === 2 && names(), 20);
  const name = one!.slice('pod/'.length);
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'default' } };
  const path = `/api/v1/namespaces/default/pods/${name}/eviction`;
  const refused = w.server.tryKubectl(['create', '--raw', path, '-f', '-'], JSON.stringify(body));
  assert.match(refused.stderr, /Cannot evict pod as it would violate the pod's disruption budget/);
  w.k('delete', 'pdb', 'site');
  w.k('drain', hostname(), '--ignore-daemonsets', '--force', '--delete-emptydir-data', '--timeout=60s');
  assert.match(w.k('get', 'nodes'), /Ready,SchedulingDisabled/);
  const running = w.k('get', 'pods', '--field-selector=status.phase=Running', '-o', 'name').trim().split('\n');
  assert.deepEqual(
    running.filter(pod => !pod.startsWith('pod/agent-')),
    [],
  );
  w.k('uncordon', hostname());
  waitsFor('deploy/site', 'condition=Available');
});
