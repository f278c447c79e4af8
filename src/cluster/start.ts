import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { createMeter, createRandom, createSystemClock, type Log, type Running } from '#base';
import { writeFileAtomic } from './certificates.ts';
import { type Cluster, sharedConfig } from './cluster.ts';
import { components } from './components.ts';
import type { Config } from './config-table.ts';
import { parseDuration } from './durations.ts';
import { nodeAddressOf, nodeNameOf } from './machine.ts';
import { pathsOf } from './paths.ts';
import { StartError } from './start-error.ts';

/**
 * Starts a server or an agent: the wanted components one after the other. Resolves when all are started (not yet ready); what was started is stopped again
 * when one fails. Throws StartError in one line for what the user can mend.
 */
export async function startCluster(
  role: Cluster['role'],
  config: Config,
  { log, assetFolder }: { log: Log; assetFolder: string },
): Promise<Running> {
  for (const name of ['event-ttl', 'shutdown-delay-duration'] as const) parseDuration(name, config[name]);
  const paths = pathsOf(config);
  const cluster: Cluster = {
    role,
    config,
    paths,
    nodeName: nodeNameOf(config),
    nodeAddress: nodeAddressOf(config),
    clock: createSystemClock(),
    random: createRandom(),
    log,
    assetFolder,
    meter: createMeter(),
    started: [],
    shared: sharedConfig(config),
    clientOf(user, component) {
      if (!cluster.connect) throw new Error('no client before the control plane, or before joining one');
      return cluster.connect(user, component);
    },
  };
  await using stack = new AsyncDisposableStack();
  claimPidFile(paths.pidFile, stack);
  const { started } = cluster;
  for (const component of components.filter(candidate => candidate.isWanted(cluster))) {
    log.debug('starting', { component: component.name });
    const running = await component.start(cluster).catch(error => {
      throw describeFailure(error, cluster);
    });
    started.push({ name: component.name, running: stack.use(running) });
  }
  const all = stack.move();
  return {
    ready() {
      const missing = started.flatMap(({ name, running }) => running.ready()?.replace(/^/, `${name}: `) ?? []);
      return missing.length ? missing.join('; ') : undefined;
    },
    async [Symbol.asyncDispose]() {
      await announceStop(cluster);
      await all.disposeAsync();
    },
  };
}

/** Load balancers see that this server goes before it does: /readyz fails while everything is still answered. */
async function announceStop({ config, clock, controlPlane, log }: Cluster): Promise<void> {
  if (!controlPlane) return;
  controlPlane.api.beginShutdown();
  const delayMs = parseDuration('shutdown-delay-duration', config['shutdown-delay-duration']);
  if (delayMs === 0) return;
  log.info('not ready any more, and stopping after the delay', { delay: config['shutdown-delay-duration'] });
  await clock.sleep(delayMs);
}

/** Two of the program on one data folder would fight over containers and certificates: the second one says so and ends. */
function claimPidFile(path: string, stack: AsyncDisposableStack): void {
  const other = runningPid(path);
  if (other)
    throw new StartError(`the data folder is in use by process ${other}; stop it, or choose another --data-dir`);
  try {
    makeFolder(dirname(path));
    writeFileAtomic(path, `${process.pid}\n`, 0o644);
  } catch (cause) {
    throw new StartError(
      `data-dir: cannot write ${path}: ${(cause as Error).message}; choose a folder that can be written`,
      { cause },
    );
  }
  stack.defer(() => rmSync(path, { force: true }));
}

/** Step by step: Node's own recursive mkdir never comes back from some file systems (/proc). */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o755 });
}

/** The process that holds the folder, if it lives and is ours. */
export function runningPid(pidFile: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8'));
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return pid !== process.pid && /wherry|main\.ts/.test(command) ? pid : undefined;
  } catch {
    return undefined; // no file, or no such process: nobody holds it
  }
}

/** Errors of the system that a user can mend, in words. */
function describeFailure(error: unknown, { config }: Cluster): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return new StartError(
      `the port is taken (${message}): stop what listens there, or choose another --https-listen-port (now ${config['https-listen-port']}) or --kubelet-port (now ${config['kubelet-port']})`,
      { cause: error },
    );
  }
  if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE')
    return new StartError(`${message}: stop what listens there`, { cause: error });
  if (code === 'EACCES' || code === 'EROFS' || code === 'ENOSPC' || code === 'ENOTDIR')
    return new StartError(message, { cause: error });
  if (error instanceof Error && (error.name === 'StoreError' || error.name === 'DocumentError'))
    return new StartError(error.message, { cause: error });
  return error;
}
