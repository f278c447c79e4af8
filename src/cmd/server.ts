import type { Invocation } from './command.ts';
import { describeOptions, readOptions } from './options.ts';
import { runUntilStopped } from './run-cluster.ts';

/** `wherry server`. */
export async function run(invocation: Invocation): Promise<number> {
  const { config, own } = await readOptions(invocation, { help: 'boolean' });
  if (own['help']) {
    invocation.stdout(describeOptions('server'));
    return 0;
  }
  return runUntilStopped('server', config, invocation);
}
