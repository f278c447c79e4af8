import type { Invocation } from './command.ts';
import { readOptions } from './options.ts';

/** `wherry killall`. */
export async function run(invocation: Invocation): Promise<number> {
  const { config } = await readOptions(invocation);
  const { killAll } = await import('#cluster');
  await killAll(config, line => invocation.stdout(`${line}\n`));
  return 0;
}
