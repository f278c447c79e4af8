/** What a pod may do and how much it may use: users, capabilities, system calls, control groups, last words, images. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, skip, startWords, type Words } from './cluster.ts';

let w: Words;
before(async () => {
  if (skip) return;
  w = await startWords();
  w.applyFile('pod-rights');
  w.ready('users', 'rights', 'guaranteed', 'burstable', 'best-effort', 'local-image');
});
after(async () => {
  await w?.server[Symbol.asyncDispose]();
});

test('processes and files have the users and groups of the spec', { skip }, () => {
  assert.deepEqual(w.lines('users/main'), [
    ...['1000', '3000', '3000 2000 4000', '2777 0 2000', '644 1000 2000', '644 2000'],
  ]);
  assert.deepEqual(w.lines('users/other'), ['1001', '3001']);
});

test('an image that would run as root is refused when the pod must not', { skip }, async () => {
  const path = '{.status.containerStatuses[0].state.waiting}';
  const waiting = await eventually('it waits', () => {
    const found = w.field('pod/must-not-be-root', path);
    return /ConfigError/.test(found) && JSON.parse(found);
  });
  assert.equal(waiting.reason, 'CreateContainerConfigError');
  const uid = w.field('pod/must-not-be-root', '{.metadata.uid}');
  assert.equal(
    waiting.message,
    `container has runAsNonRoot and image will run as root (pod: "must-not-be-root_default(${uid})", container: main)`,
  );
});

const bits = { CHOWN: 0n, NET_BIND_SERVICE: 10n, NET_ADMIN: 12n, SYS_ADMIN: 21n };

function statusOf(container: string) {
  const values = new Map(w.lines(`rights/${container}`).map(line => line.split(/:\s*/) as [string, string]));
  const capabilities = BigInt(`0x${values.get('CapEff')}`);
  const has = (name: keyof typeof bits) => ((capabilities >> bits[name]) & 1n) === 1n;
  return { capabilities, has, noNewPrivileges: values.get('NoNewPrivs'), seccomp: values.get('Seccomp') };
}

test('capabilities are dropped and added', { skip }, () => {
  const plain = statusOf('plain');
  assert.equal(plain.capabilities, 0xa80425fbn);
  assert.equal(statusOf('none').capabilities, 0n);
  assert.equal(statusOf('one').capabilities, 1n << bits.NET_BIND_SERVICE);
  const more = statusOf('more');
  assert.deepEqual([more.has('NET_ADMIN'), more.has('CHOWN'), more.has('NET_BIND_SERVICE')], [true, false, true]);
  const privileged = statusOf('privileged');
  const ours = BigInt(`0x${/^CapBnd:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]}`);
  assert.equal(privileged.capabilities, ours);
  const devices = (name: string) => Number(w.sh(`rights/${name}`, 'ls /dev | wc -l'));
  assert.ok(devices('privileged') > devices('plain'));
});

test('privilege escalation and system calls are as the spec says', { skip }, () => {
  assert.deepEqual([statusOf('plain').noNewPrivileges, statusOf('fixed').noNewPrivileges], ['0', '1']);
  assert.deepEqual(
    ['plain', 'fixed', 'loose', 'privileged'].map(name => statusOf(name).seccomp),
    ['0', '2', '0', '0'],
  );
});

test('a read-only root lets volumes be written; sysctls are set', { skip }, () => {
  const [root, volume, range, sysctl] = w.lines('rights/read-only');
  assert.match(root!, /Read-only file system/);
  assert.equal(volume, 'wrote');
  assert.equal(range, '40000\t41000');
  assert.match(sysctl!, /Read-only file system/);
});

test('an unsafe sysctl is refused', { skip }, () => {
  w.phase('unsafe', 'Failed');
  assert.equal(w.field('pod/unsafe', '{.status.reason}'), 'SysctlForbidden');
  assert.equal(
    w.field('pod/unsafe', '{.status.message}'),
    'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted',
  );
  assert.deepEqual(
    w.events('unsafe').filter(line => line.startsWith('Warning')),
    ['Warning SysctlForbidden forbidden sysctl: "kernel.msgmax" not allowlisted'],
  );
  assert.match(w.k('get', 'pod', 'unsafe'), /unsafe +0\/1 +SysctlForbidden +0 /);
});

/** A file of a control group of the pod, or of one of its containers. */
function group(pod: string, { file, container }: { file: string; container?: string }): string {
  const [uid, quality] = w.field(`pod/${pod}`, '{.metadata.uid} {.status.qosClass}').split(' ') as [string, string];
  const parent = quality === 'Guaranteed' ? '' : quality.toLowerCase();
  const path = `{.status.containerStatuses[?(@.name=="${container}")].containerID}`;
  const id = container ? w.field(`pod/${pod}`, path).replace('containerd://', '') : '';
  const [hierarchy] = file.split('.');
  return readFileSync(join('/sys/fs/cgroup', hierarchy!, 'kubepods', parent, `pod${uid}`, id, file), 'utf8').trim();
}
const mebibytes = (count: number) => String(count * 1024 * 1024);
const isOne = existsSync('/sys/fs/cgroup/memory');
const skipGroups = skip || (!isOne && 'reads control groups of version 1');

test('resources become control groups of the three qualities of service', { skip: skipGroups }, () => {
  const read = (pod: string, file: string, container?: string) => group(pod, { file, ...(container && { container }) });
  assert.equal(read('guaranteed', 'memory.limit_in_bytes'), mebibytes(32));
  assert.equal(read('guaranteed', 'memory.limit_in_bytes', 'main'), mebibytes(32));
  assert.equal(read('guaranteed', 'cpu.shares', 'main'), '102');
  assert.equal(read('guaranteed', 'cpu.cfs_quota_us', 'main'), '10000');
  assert.equal(read('burstable', 'memory.limit_in_bytes', 'main'), mebibytes(48));
  assert.equal(read('burstable', 'cpu.shares', 'main'), '51');
  assert.equal(read('burstable', 'cpu.shares', 'free'), '2');
  assert.equal(read('burstable', 'cpu.cfs_quota_us', 'main'), '-1');
  assert.equal(read('best-effort', 'cpu.shares'), '2');
  assert.ok(Number(read('best-effort', 'memory.limit_in_bytes')) > 1e15);
  assert.ok(Number(read('burstable', 'memory.limit_in_bytes')) > 1e15, 'one container has no limit');
});

test('the kernel ends processes in the order of their quality', { skip }, () => {
  const score = (pod: string) => Number(w.sh(pod, 'cat /proc/1/oom_score_adj'));
  assert.ok(score('guaranteed') <= score('burstable'));
  assert.ok(score('burstable') <= score('best-effort'));
  assert.equal(score('best-effort'), 1000);
});

test('a process that takes more memory than its limit is OOMKilled', { skip }, () => {
  w.phase('eater', 'Failed');
  assert.equal(
    w.field('pod/eater', '{.status.containerStatuses[0].state.terminated.reason} {..terminated.exitCode}'),
    'OOMKilled 137',
  );
  assert.match(w.k('get', 'pod', 'eater'), /eater +0\/1 +OOMKilled +0 /);
});

test('last words are read from where the spec says', { skip }, () => {
  w.phase('last-words', 'Failed');
  const message = (name: string) =>
    w.field('pod/last-words', `{.status.containerStatuses[?(@.name=="${name}")].state.terminated.message}`);
  assert.equal(message('file'), 'reason\n');
  assert.equal(message('log'), 'from the log\n');
  assert.equal(message('success'), '');
  assert.equal(message('long').length, 4096);
});

test('what cannot start is said in columns and events', { skip }, async () => {
  w.phase('no-program', 'Failed');
  assert.match(w.k('get', 'pod', 'no-program'), /no-program +0\/1 +StartError +0 /);
  assert.equal(w.field('pod/no-program', '{.status.containerStatuses[0].state.terminated.exitCode}'), '128');
  assert.match(await w.untilEvent('no-program', /Failed/), /^Warning Failed Error: .*no such file or directory/);
  const wrong = await w.untilEvent('bad-image-name', /InspectFailed/);
  assert.equal(
    wrong,
    'Warning InspectFailed Failed to apply default image tag "Bad Name": couldn\'t parse image name "Bad Name": invalid reference format',
  );
  assert.match(w.k('get', 'pod', 'bad-image-name'), / InvalidImageName +0 /);
  assert.match(await w.untilEvent('always-pulled', / Failed /), /Failed to pull image "localhost:1\/busybox:1": /);
});

test('an image that is there is not pulled', { skip }, () => {
  assert.ok(
    w
      .events('local-image')
      .includes('Normal Pulled Container image "busybox:1" already present on machine and can be accessed by the pod'),
  );
});
