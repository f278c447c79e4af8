import type { Running } from '#base';
import { type Cluster, users } from './cluster.ts';

const retryMs = 5_000;

/** The Service that tells clients where the cluster DNS is. Made behind the start, which does not wait for it. */
export async function startDnsService(cluster: Cluster): Promise<Running> {
  const { clock, shared } = cluster;
  const log = cluster.log.child('dns-service');
  const client = cluster.clientOf(users.admin, 'wherry-dns');
  const stop = new AbortController();
  const work = async () => {
    const { ensureDnsService } = await import('#dns');
    while (!stop.signal.aborted) {
      try {
        return await ensureDnsService({ zone: shared['cluster-domain'], clusterIp: shared['cluster-dns'] }, { client });
      } catch (error) {
        if (stop.signal.aborted) return;
        log.warn('the Service kube-system/kube-dns is not written', { error });
        await clock.sleep(retryMs, stop.signal).catch(() => undefined); // stopped: the loop ends
      }
    }
  };
  const done = work();
  return {
    ready: () => undefined,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}
