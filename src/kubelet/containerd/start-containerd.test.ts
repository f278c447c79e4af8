import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import type { ContainerdConfig } from './containerd-config.ts';
import { isContainerdAt } from './processes.ts';
import { startContainerd } from './start-containerd.ts';

const clock = createSystemClock();
let folder: string;
let config: ContainerdConfig;
let log: ReturnType<typeof createRecordingLog>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ctd-'));
  log = createRecordingLog();
  config = {
    rootDir: join(folder, 'store'),
    stateDir: join(folder, 'run'),
    socketPath: join(folder, 'run', 'c.sock'),
    configPath: join(folder, 'containerd.toml'),
    logPath: join(folder, 'containerd.log'),
    cniConfDir: join(folder, 'cni'),
    cniBinDirs: ['/usr/lib/cni'],
    pauseImage: 'pause:1',
    cgroupDriver: 'cgroupfs',
    snapshotter: 'native',
    restrictOomScoreAdj: true,
    registriesDir: join(folder, 'certs.d'),
    programs: { containerd: join(folder, 'containerd'), runc: 'runc', ctr: 'ctr' },
  };
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A program in containerd's place; `$S` is its socket. */
function program(...lines: string[]): void {
  writeFileSync(config.programs.containerd, ['#!/bin/sh', `S=${config.socketPath}`, ...lines].join('\n'), {
    mode: 0o755,
  });
}
const pid = () => Number(readFileSync(join(config.stateDir, 'containerd.pid'), 'utf8'));
const isUp = () => isContainerdAt(pid(), config.configPath);
const start = () =>
  startContainerd(config, {
    clock,
    log,
    probe: async () => {
      if (!isUp()) throw new Error('nobody answers');
    },
  });
async function until(isDone: () => boolean): Promise<void> {
  for (let tries = 0; !isDone(); tries++) {
    assert.ok(tries < 200, String(isDone));
    await clock.sleep(25);
  }
}

test('one that ends at once is an error that says what it wrote', async () => {
  program('echo starting; echo "containerd: no such snapshotter" >&2; exit 1');
  await assert.rejects(start(), /^Error: containerd ended at once: containerd: no such snapshotter$/);
  rmSync(config.programs.containerd);
  await assert.rejects(start(), /containerd ended at once: .*not found$/);
});

test('one that dies is started again, and is not ready meanwhile', async () => {
  program('touch $S', 'while :; do sleep 0.05; done');
  const running = await start();
  try {
    assert.equal(running.ready(), undefined);
    const first = pid();
    process.kill(first, 'SIGKILL');
    await until(() => running.ready() !== undefined);
    assert.match(running.ready()!, /^containerd ended: /);
    await until(() => running.ready() === undefined);
    assert.notEqual(pid(), first);
    assert.deepEqual(
      log.records.filter(one => one.level === 'warn').map(one => one.message),
      ['containerd ended and is started again'],
    );
  } finally {
    await running[Symbol.asyncDispose]();
  }
  assert.ok(!isUp());
});

test('one that runs already is found by its configuration, also without a note of its id', async () => {
  program('touch $S', 'while :; do sleep 0.05; done');
  const first = await start();
  const before = pid();
  // The shell that plays containerd is another program than the one at the path, as after an upgrade.
  config.programs.containerd = realpathSync(`/proc/${before}/exe`);
  rmSync(join(config.stateDir, 'containerd.pid'));
  const second = await startContainerd(config, { clock, log, probe: async () => undefined });
  assert.ok(
    log.records.some(one => one.message === 'took over a running containerd' && one.fields?.['pid'] === before),
  );
  await second[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  assert.ok(!isContainerdAt(before, config.configPath));
});

test('a socket path that the kernel would refuse is told before anything is made', async () => {
  config.socketPath = join(folder, 'x'.repeat(120));
  await assert.rejects(
    start(),
    /the path of a socket may have 107 characters, this has \d+: choose a shorter --data-dir$/,
  );
  assert.ok(!existsSync(config.stateDir));
});
