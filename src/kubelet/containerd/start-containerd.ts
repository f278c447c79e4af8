import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { backoffMs, type Clock, type Log, type Running } from '#base';
import { type ContainerdConfig, renderContainerdConfig } from './containerd-config.ts';
import { readProcess, sendSignal } from './processes.ts';

export interface ContainerdDeps {
  clock: Clock;
  log: Log;
  /** Resolves when the runtime answers; rejects while it does not. */
  probe(): Promise<unknown>;
}

/** Longer socket paths are refused by the kernel. */
const maxSocketPath = 107;
const maxLogBytes = 5 * 1024 * 1024;
const startMs = 30_000;
const stopMs = 10_000;
const lookMs = 50;
/** How soon a containerd that died is seen and started again. */
const superviseMs = 500;
const backoff = { firstMs: 250, maxMs: 30_000 };
/** Having run for this long, a death is no longer one of a row. */
const steadyMs = 60_000;

/**
 * Runs containerd and starts it again when it dies. One that an earlier run has left with the same configuration is taken over. Resolves when it
 * answers; rejects with the end of its log when it does not within 30 s. Disposing stops containerd; containers and their shims go on.
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

function createSupervisor(config: ContainerdConfig, deps: ContainerdDeps) {
  const { clock, log } = deps;
  const pidPath = join(config.stateDir, 'containerd.pid');
  const state = { pid: 0, startedMs: 0, deaths: 0, trouble: 'it is being started' as string | undefined };
  let timer: Disposable | undefined;
  let stopped = false;
  const launch = () => {
    state.pid = spawnContainerd(config);
    state.startedMs = clock.monotonicMs();
    writeFileSync(pidPath, `${state.pid}\n`);
  };
  const look = () => {
    if (stopped) return;
    const isAlive = isOurs(state.pid, config);
    if (!isAlive) {
      state.deaths = clock.monotonicMs() - state.startedMs > steadyMs ? 0 : state.deaths + 1;
      const delayMs = state.deaths ? backoffMs(backoff, state.deaths - 1) : 0;
      state.trouble = `containerd ended: ${lastLines(config.logPath)}`;
      log.warn('containerd ended and is started again', { afterMs: delayMs, said: lastLines(config.logPath) });
      timer = clock.timer(delayMs, () => {
        if (stopped) return;
        launch();
        state.trouble = undefined;
        arm();
      });
    } else arm();
  };
  const arm = () => {
    timer = clock.timer(superviseMs, look, { unref: true });
  };
  return {
    async start() {
      const isNew = prepare(config);
      const known = readPid(pidPath);
      if (known && isOurs(known, config)) {
        if (isNew) await endProcess(known, { config, clock });
        else {
          state.pid = known;
          state.startedMs = clock.monotonicMs();
          log.debug('took over a running containerd', { pid: known });
        }
      }
      if (!state.pid) launch();
      await untilAnswers({ config, deps, pid: () => state.pid });
      state.trouble = undefined;
      arm();
    },
    ready: () => state.trouble,
    async [Symbol.asyncDispose]() {
      stopped = true;
      timer?.[Symbol.dispose]();
      if (state.pid && isOurs(state.pid, config)) await endProcess(state.pid, { config, clock });
    },
  };
}

/** Folders and configuration file; true when the configuration is another than before. */
function prepare(config: ContainerdConfig): boolean {
  const { rootDir, stateDir, configPath, logPath, cniConfDir, registriesDir, socketPath } = config;
  for (const folder of [rootDir, stateDir]) mkdirSync(folder, { recursive: true, mode: 0o711 });
  for (const folder of [dirname(configPath), dirname(logPath), cniConfDir, registriesDir, dirname(socketPath)])
    mkdirSync(folder, { recursive: true });
  if (existsSync(logPath) && statSync(logPath).size > maxLogBytes) renameSync(logPath, `${logPath}.1`);
  const text = renderContainerdConfig(config);
  if (existsSync(configPath) && readFileSync(configPath, 'utf8') === text) return false;
  writeFileSync(`${configPath}.new`, text);
  renameSync(`${configPath}.new`, configPath);
  return true;
}

/** In a session of its own: a signal to our terminal must not reach it, nor our death end it. */
function spawnContainerd(config: ContainerdConfig): number {
  const log = openSync(config.logPath, 'a');
  try {
    const child = spawn(config.programs.containerd, ['--config', config.configPath, '--log-level', 'warn'], {
      detached: true,
      stdio: ['ignore', log, log],
    });
    // Its end, also that it never began, is seen by looking.
    child.on('error', () => undefined);
    child.unref();
    return child.pid ?? 0;
  } finally {
    closeSync(log);
  }
}

async function untilAnswers(options: { config: ContainerdConfig; deps: ContainerdDeps; pid(): number }): Promise<void> {
  const { config, deps, pid } = options;
  const { clock, probe } = deps;
  const untilMs = clock.monotonicMs() + startMs;
  for (;;) {
    try {
      if (existsSync(config.socketPath)) {
        await probe();
        return;
      }
    } catch (error) {
      if (clock.monotonicMs() > untilMs)
        throw new Error(`containerd does not answer: ${(error as Error).message}: ${lastLines(config.logPath)}`);
    }
    if (!isOurs(pid(), config)) throw new Error(`containerd ended at once: ${lastLines(config.logPath)}`);
    if (clock.monotonicMs() > untilMs)
      throw new Error(`containerd made no socket within ${startMs / 1000} s: ${lastLines(config.logPath)}`);
    await clock.sleep(lookMs);
  }
}

/** Whether the process is a containerd with our configuration: ids of processes are given out again. */
export function isOurs(pid: number, { configPath }: Pick<ContainerdConfig, 'configPath'>): boolean {
  return pid > 0 && (readProcess(pid)?.args.includes(configPath) ?? false);
}

/** SIGTERM, and SIGKILL when that is not enough. */
export async function endProcess(
  pid: number,
  { config, clock }: { config: Pick<ContainerdConfig, 'configPath'>; clock: Clock },
): Promise<void> {
  sendSignal(pid, 'SIGTERM');
  const untilMs = clock.monotonicMs() + stopMs;
  while (isOurs(pid, config)) {
    if (clock.monotonicMs() > untilMs) sendSignal(pid, 'SIGKILL');
    await clock.sleep(lookMs);
  }
}

function readPid(path: string): number | undefined {
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) || undefined : undefined;
}

/** What it said last, on one line. */
function lastLines(path: string): string {
  if (!existsSync(path)) return 'it wrote no log';
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const errors = lines.filter(line => /level=(error|fatal)|^containerd:/.test(line));
  return (errors.length ? errors : lines).slice(-2).join(' | ') || 'it wrote nothing';
}
