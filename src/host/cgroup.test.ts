import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createCgroups, toCpuWeight } from './cgroup.ts';

async function inFolder(body: (root: string) => Promise<void>) {
  const root = await mkdtemp(join(tmpdir(), 'cgroup-'));
  try {
    await body(root);
  } finally {
    await rm(root, { recursive: true });
  }
}

test('cgroup v1: a group is made in every hierarchy that is there, and an empty cpuset inherits', () =>
  inFolder(async root => {
    for (const name of ['cpu', 'memory', 'cpuset/kubepods']) await mkdir(join(root, name), { recursive: true });
    for (const [path, text] of [
      ['cpuset/cpuset.cpus', '0-1\n'],
      ['cpuset/cpuset.mems', '0\n'],
      ['cpuset/kubepods/cpuset.cpus', '\n'],
      ['cpuset/kubepods/cpuset.mems', '\n'],
    ] as const) {
      await writeFile(join(root, path), text);
    }
    await mkdir(join(root, 'cpu/kubepods'));
    await writeFile(join(root, 'cpu/kubepods/cpu.shares'), '1024\n');
    const groups = createCgroups(root);
    await groups.ensure('/kubepods', { cpuShares: 2048 });
    assert.equal(groups.version, 1);
    assert.equal(await readFile(join(root, 'cpu/kubepods/cpu.shares'), 'utf8'), '2048');
    assert.equal(await readFile(join(root, 'cpuset/kubepods/cpuset.cpus'), 'utf8'), '0-1');
    assert.ok(groups.exists('/kubepods'));
    assert.equal(await groups.memoryWorkingSet('/kubepods'), undefined);
    assert.deepEqual(await groups.children('/'), ['kubepods']);
  }));

test('cgroup v1: what a runtime has made in other hierarchies is found and removed too', () =>
  inFolder(async root => {
    for (const name of ['cpu/kubepods/pod1', 'unified/kubepods/pod1/c1', 'perf_event/kubepods/pod2']) {
      await mkdir(join(root, name), { recursive: true });
    }
    for (const name of ['unified', 'perf_event']) await writeFile(join(root, name, 'cgroup.procs'), '');
    await mkdir(join(root, 'other/kubepods'), { recursive: true });
    const groups = createCgroups(root);
    assert.deepEqual((await groups.children('/kubepods')).sort(), ['pod1', 'pod2']);
    assert.equal(await groups.remove('/kubepods'), true);
    assert.equal(groups.exists('/kubepods'), false);
    assert.deepEqual(await readdir(join(root, 'other')), ['kubepods'], 'no hierarchy: left alone');
  }));

test('cpu shares become the weights that runtimes use', () => {
  assert.deepEqual([2, 1024, 262144].map(toCpuWeight), [1, 39, 10000]);
});
