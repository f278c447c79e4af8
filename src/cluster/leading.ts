import { randomUUID } from 'node:crypto';
import type { Running } from '#base';
import { startLeaderElection } from '#client';
import type { PeerUser } from '#wire';
import type { Cluster } from './cluster.ts';
import { isShared } from './datastore.ts';

/**
 * Runs something on one server of the cluster: at once where there is only one, else while this server holds the Lease kube-system/`name`. What runs is stopped before
 * the Lease can be another's. Source: kube-controller-manager and kube-scheduler, --leader-elect.
 */
export async function runOnLeader(
  cluster: Cluster,
  about: { name: string; user: PeerUser },
  start: () => Promise<Running>,
): Promise<Running> {
  if (!isShared(cluster.config)) return start();
  const { clock, random, nodeName } = cluster;
  return startLeaderElection({
    client: cluster.clientOf(about.user, about.name),
    ...{ clock, random, name: about.name },
    log: cluster.log.child(about.name),
    identity: `${nodeName}_${randomUUID()}`,
    async lead(signal) {
      await using running = await start();
      if (signal.aborted) return;
      await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
      // Stopped by leaving the block.
      void running;
    },
  });
}
