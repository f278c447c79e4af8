import { version } from '#cluster';
import type { Invocation } from './command.ts';

/** `wherry version`. */
export async function run(invocation: Invocation): Promise<number> {
  invocation.stdout(`wherry ${version.wherry} (Kubernetes ${version.kubernetes}, Node ${process.version})\n`);
  return 0;
}
