import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CommandError, type Invocation } from './command.ts';
import { readOptions } from './options.ts';

/** `wherry kubectl ...`: this machine's kubectl with the admin kubeconfig, unless KUBECONFIG says otherwise. */
export async function run(invocation: Invocation): Promise<number> {
  const { config } = await readOptions({ ...invocation, args: [] });
  const environment = { KUBECONFIG: config['write-kubeconfig'], ...invocation.environment };
  const child = spawn('kubectl', invocation.args, { stdio: 'inherit', env: environment });
  try {
    const [code, signal] = await once(child, 'exit');
    return signal ? 1 : code;
  } catch (cause) {
    throw new CommandError(
      'kubectl is not installed: install it, for instance with "apt-get install kubernetes-client"',
      { cause },
    );
  }
}
