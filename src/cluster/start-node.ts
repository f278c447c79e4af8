import type { Running } from '#base';
import type { Cluster } from './cluster.ts';
import { StartError } from './start-error.ts';

export async function startNode(_cluster: Cluster): Promise<Running> {
  throw new StartError('the node agent is not composed yet: start with --disable-agent');
}
