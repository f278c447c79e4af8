import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { backoffMs, type Clock, type Log, type Running } from '#base';
import { type ContainerdConfig, renderContainerdConfig } from './containerd-config.ts';
import { lastLines, rotateLog, trimLog } from './containerd-log.ts';
import { findContainerd, isContainerdAt, isReplaced, sendSignal } from './processes.ts';

export interface ContainerdDeps {
  clock: Clock;
  log: Log;
  /** Resolves when the runtime answers; rejects while it does not. */
  probe(): Promise<unknown>;
}

/** Longer socket paths are refused by the kernel. */
const maxSocketPath = 107;
const startMs = 30_000;
const stopMs = 10_000;
const lookMs = 50;
/** How soon the death of a containerd that is not our child is seen. */
const superviseMs = 1000;
const trimMs = 10 * 60_000;
const backoff = { firstMs: 250, maxMs: 30_000 };
/** Having run for this long, a death is no longer one of a row. */
const steadyMs = 60_000;
/**
 * Becomes containerd. Its shims, mount helpers and what network plugins call are found also where our own PATH is short; and it must not tell systemd in
 * our name that we are ready.
 */
const launcher =
  'unset NOTIFY_SOCKET; PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" exec "$0" "$@"';

/**
 * Runs containerd and starts it again when it dies. One that an earlier run has left with the same configuration and program is taken over. Resolves
 * when it answers; rejects with the end of its log when it does not within 30 s. Disposing stops containerd; containers and their shims go on.
 */
export async function startContainerd(config: ContainerdConfig, deps: ContainerdDeps): Promise<Running> {
  if (config.socketPath.length > maxSocketPath) {
    throw new Error(
      `${config.socketPath}: the path of a socket may have ${maxSocketPath} characters, this has ${config.socketPath.length}: choose a shorter --data-dir`,
    );
  }
  const supervisor = createSupervisor(config, deps);
  try {
    await supervisor.start();
  } catch (error) {
    await supervisor[Symbol.asyncDispose]();
    throw error;
  }
  return supervisor;
}

/** A containerd: our child, or one that was taken over. */
interface Instance {
  pid: number;
  isAlive(): boolean;
}

function createSupervisor(config: ContainerdConfig, { clock, log, probe }: ContainerdDeps) {
  const pidPath = join(config.stateDir, 'containerd.pid');
  const state = { startedMs: 0, deaths: 0, trouble: 'it is being started' as string | undefined };
  let current: Instance = { pid: 0, isAlive: () => false };
  const timers = new Map<string, Disposable>();
  let stopped = false;
  const later = (name: string, ms: number, run: () => void) => {
    timers.get(name)?.[Symbol.dispose]();
    timers.set(
      name,
      clock.timer(ms, () => !stopped && run(), { unref: true }),
    );
  };
  const launch = () => {
    const child = spawnContainerd(config);
    const { pid = 0 } = child;
    // Not asked of /proc: while it becomes containerd it has no arguments there.
    current = { pid, isAlive: () => pid > 0 && child.exitCode === null && child.signalCode === null };
    state.startedMs = clock.monotonicMs();
    writeFileSync(pidPath, `${pid}\n`);
    child.once('exit', () => later('look', 0, look));
  };
  const look = () => {
    if (current.isAlive()) {
      later('look', superviseMs, look);
      return;
    }
    state.deaths = clock.monotonicMs() - state.startedMs > steadyMs ? 1 : state.deaths + 1;
    const afterMs = backoffMs(backoff, state.deaths - 1);
    const said = lastLines(config.logPath);
    state.trouble = `containerd ended: ${said}`;
    log.warn('containerd ended and is started again', { afterMs, said });
    later('look', afterMs, relaunch);
  };
  const relaunch = () => {
    try {
      launch();
    } catch (error) {
      log.warn('containerd not started', { error });
    }
    later('look', superviseMs, look);
    const instance = current;
    untilAnswers({ config, clock, probe, instance }).then(
      () => {
        if (instance === current) state.trouble = undefined;
      },
      (error: Error) => {
        if (instance === current) state.trouble = error.message;
      },
    );
  };
  const trim = () => {
    trimLog(config.logPath);
    later('trim', trimMs, trim);
  };
  return {
    async start() {
      const isNew = prepare(config);
      const known = findContainerd(readPid(pidPath), config.configPath);
      const found = known ? { pid: known, isAlive: () => isContainerdAt(known, config.configPath) } : undefined;
      if (found && !isNew && !isReplaced(found.pid, config.programs.containerd)) {
        current = found;
        state.startedMs = clock.monotonicMs();
        log.debug('took over a running containerd', { pid: found.pid });
      } else {
        if (found) await endContainerd(found, clock);
        launch();
      }
      await untilAnswers({ config, clock, probe, instance: current });
      state.trouble = undefined;
      look();
      later('trim', trimMs, trim);
    },
    ready: () => state.trouble,
    async [Symbol.asyncDispose]() {
      stopped = true;
      for (const timer of timers.values()) timer[Symbol.dispose]();
      await endContainerd(current, clock);
    },
  };
}

/** Folders and configuration file; true when the configuration is another than before. */
function prepare(config: ContainerdConfig): boolean {
  const { rootDir, stateDir, configPath, logPath, cniConfDir, registriesDir, socketPath } = config;
  for (const folder of [rootDir, stateDir]) mkdirSync(folder, { recursive: true, mode: 0o711 });
  for (const folder of [dirname(configPath), dirname(logPath), cniConfDir, registriesDir, dirname(socketPath)])
    mkdirSync(folder, { recursive: true });
  rotateLog(logPath);
  const text = renderContainerdConfig(config);
  if (existsSync(configPath) && readFileSync(configPath, 'utf8') === text) return false;
  writeFileSync(`${configPath}.new`, text);
  renameSync(`${configPath}.new`, configPath);
  return true;
}

/** In a session of its own: a signal to our terminal must not reach it, nor our death end it. */
function spawnContainerd(config: ContainerdConfig): ChildProcess {
  const log = openSync(config.logPath, 'a', 0o640);
  try {
    const command = [config.programs.containerd, '--config', config.configPath, '--log-level', 'warn'];
    const child = spawn('/bin/sh', ['-c', launcher, ...command], {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log],
    });
    // Its end, also that it never began, is seen by looking.
    child.on('error', () => undefined);
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

interface Awaited {
  config: ContainerdConfig;
  clock: Clock;
  instance: Instance;
  probe(): Promise<unknown>;
}

async function untilAnswers({ config, clock, instance, probe }: Awaited): Promise<void> {
  const untilMs = clock.monotonicMs() + startMs;
  let trouble = 'it made no socket';
  while (clock.monotonicMs() < untilMs) {
    try {
      if (existsSync(config.socketPath)) {
        await probe();
        return;
      }
    } catch (error) {
      trouble = (error as Error).message;
    }
    if (!instance.isAlive()) throw new Error(`containerd ended at once: ${lastLines(config.logPath)}`);
    await clock.sleep(lookMs);
  }
  throw new Error(`containerd does not answer after ${startMs / 1000} s: ${trouble}: ${lastLines(config.logPath)}`);
}

/** SIGTERM, and SIGKILL when that is not enough. */
async function endContainerd({ pid, isAlive }: Instance, clock: Clock): Promise<void> {
  const untilMs = clock.monotonicMs() + stopMs;
  if (isAlive()) sendSignal(pid, 'SIGTERM');
  while (isAlive() && clock.monotonicMs() < untilMs) await clock.sleep(lookMs);
  if (isAlive()) sendSignal(pid, 'SIGKILL');
}

function readPid(path: string): number {
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) || 0 : 0;
}
