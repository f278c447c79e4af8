import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { createSystemClock } from '#base';
import { createFakeCgroups, createFakeMounts } from '#host/testing';
import { type KillOptions, killPods } from './kill-pods.ts';

let root: string;
let said: string[];
let options: KillOptions;
const mounts = () => options.mounts as ReturnType<typeof createFakeMounts>;
const cgroups = () => options.cgroups as ReturnType<typeof createFakeCgroups>;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kill-'));
  said = [];
  options = {
    containerd: {
      rootDir: join(root, 'store'),
      stateDir: join(root, 'run'),
      socketPath: join(root, 'run/c.sock'),
      configPath: join(root, 'containerd.toml'),
    },
    kubeletRootDir: join(root, 'kubelet'),
    cniStateDir: join(root, 'cni'),
    cgroupRoot: '/kubepods',
    mounts: createFakeMounts(),
    cgroups: createFakeCgroups(),
    clock: createSystemClock(),
    graceMs: 100,
    say: line => said.push(line),
  };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A process that looks like a shim, or like containerd, to whoever reads /proc. */
async function pretend(name: string, ...args: string[]): Promise<ChildProcess> {
  const script = 'console.log("up"); setInterval(() => {}, 1e6)';
  const child = spawn(process.execPath, ['-e', script, '--', ...args], {
    argv0: name,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
  return child;
}

function write(path: string, text: string): string {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  return join(root, path);
}

test('shims of our socket and the containerd of our configuration end, others go on', async () => {
  const { socketPath, configPath } = options.containerd;
  const ours = await pretend('containerd-shim-runc-v2', '-namespace', 'k8s.io', '-address', socketPath);
  const containerd = await pretend('containerd', '--config', configPath);
  const others = await pretend('containerd-shim-runc-v2', '-namespace', 'k8s.io', '-address', `${socketPath}.other`);
  const reader = await pretend('cat', configPath);
  try {
    const ended = [once(ours, 'exit'), once(containerd, 'exit')];
    await killPods(options);
    await Promise.all(ended);
    assert.deepEqual([ours.signalCode, containerd.signalCode], ['SIGKILL', 'SIGTERM']);
    assert.deepEqual([others.signalCode, reader.signalCode], [null, null]);
    assert.deepEqual(said, ['ended 1 pods', 'stopped containerd']);
  } finally {
    for (const one of [ours, containerd, others, reader]) one.kill('SIGKILL');
  }
});

test('mounts below our folders go, deepest first, and one that stays is told', async () => {
  for (const path of ['kubelet', 'store', 'run', 'kubelet-other']) mkdirSync(join(root, path));
  const paths = ['kubelet', 'kubelet/pods/a/volumes/v', 'run/rootfs', 'kubelet-other/v'].map(path => join(root, path));
  for (const path of paths) await mounts().tmpfs(path);
  const { unmount } = mounts();
  const order: string[] = [];
  mounts().unmount = async (path, how) => {
    order.push(path);
    if (path.endsWith('/v')) throw new Error('busy');
    await unmount(path, how);
  };
  await killPods(options);
  assert.deepEqual(order, [paths[2], paths[1], paths[0]]);
  assert.deepEqual([...mounts().mounted.keys()], [paths[1], paths[3]]);
  assert.deepEqual(said, [`${paths[1]} stays mounted: busy`, 'unmounted 2 file systems']);
});

test('groups of our pods go, those of another installation stay', async () => {
  mkdirSync(join(root, 'kubelet/pods/one'), { recursive: true });
  const spec = { linux: { cgroupsPath: '/kubepods/burstable/podtwo/c1' } };
  write('run/io.containerd.runtime.v2.task/k8s.io/c1/config.json', JSON.stringify(spec));
  for (const path of ['', '/besteffort', '/besteffort/podone', '/burstable', '/burstable/podtwo', '/podother']) {
    await cgroups().ensure(`/kubepods${path}`, {});
  }
  await killPods(options);
  assert.deepEqual([...cgroups().groups.keys()], ['/kubepods', '/kubepods/podother']);
  await cgroups().remove('/kubepods/podother');
  await killPods(options);
  assert.deepEqual([...cgroups().groups.keys()], []);
});

test("shims' sockets, notes of addresses and the state folder go; images and volumes stay", async () => {
  const socket = write('elsewhere/s', '');
  write('run/io.containerd.runtime.v2.task/k8s.io/c1/address', `unix://${socket}`);
  write('run/io.containerd.runtime.v2.task/k8s.io/c1/config.json', '{"linux":{"names');
  const address = write('cni/net/10.88.0.2', 'c1\r\neth0');
  const kept = [
    write('cni/net/last_reserved_ip.0', '10.88.0.2'),
    write('store/image', ''),
    write('kubelet/pods/a/x', ''),
  ];
  await killPods(options);
  assert.deepEqual(
    [socket, address, options.containerd.stateDir].filter(path => existsSync(path)),
    [],
  );
  assert.deepEqual(
    kept.filter(path => !existsSync(path)),
    [],
  );
});
