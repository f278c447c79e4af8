import { createLog, createSystemClock, formatLogJson, formatLogText } from '#base';
import { type Config, startCluster, version } from '#cluster';
import type { Invocation } from './command.ts';

/** Runs the program until SIGTERM or SIGINT; a second signal ends it at once. */
export async function runUntilStopped(
  role: 'server' | 'agent',
  config: Config,
  invocation: Invocation,
): Promise<number> {
  const format = config['log-format'] === 'json' ? formatLogJson : formatLogText;
  const log = createLog({
    level: config['log-level'] as 'info',
    now: createSystemClock().now,
    write: record => invocation.stderr(format(record)),
  });
  const signal = untilSignal();
  log.info('starting', { role, version: version.wherry, kubernetes: version.kubernetes });
  const running = await startCluster(role, config, { log, assetFolder: invocation.assetFolder });
  log.info('started', { kubeconfig: role === 'server' ? config['write-kubeconfig'] : undefined });
  log.info('stopping', { signal: await signal });
  await running[Symbol.asyncDispose]();
  return 0;
}

function untilSignal(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let count = 0;
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (++count > 1) process.exit(1);
      resolve(name);
    });
  }
  return promise;
}
