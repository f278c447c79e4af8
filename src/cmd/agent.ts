import { type Invocation, UsageError } from './command.ts';
import { describeOptions, readOptions } from './options.ts';
import { runUntilStopped } from './run-cluster.ts';

/** `wherry agent`. */
export async function run(invocation: Invocation): Promise<number> {
  const { config, own } = await readOptions(invocation, { help: 'boolean' });
  if (own['help']) {
    invocation.stdout(describeOptions('agent'));
    return 0;
  }
  if (!config.server) throw new UsageError('say which server to join with --server https://host:6443');
  if (!config.token && !config['token-file'])
    throw new UsageError('say the token with --token or --token-file; "wherry token show" on the server prints it');
  return runUntilStopped('agent', config, invocation);
}
