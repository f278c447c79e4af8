import { createLog, createSystemClock, formatLogText } from '#base';
import type { Invocation } from './command.ts';
import { readOptions } from './options.ts';

/** `wherry killall`. */
export async function run(invocation: Invocation): Promise<number> {
  const { config } = await readOptions(invocation);
  const { killAll } = await import('#cluster');
  const log = createLog({
    level: 'warn',
    now: createSystemClock().now,
    write: record => invocation.stderr(formatLogText(record)),
  });
  await killAll(config, { log, say: line => invocation.stdout(`${line}\n`) });
  return 0;
}
