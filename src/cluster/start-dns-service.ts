import { resources } from '#api';
import type { Running } from '#base';
import { type Client, isAlreadyExists } from '#client';
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
        await ensureDnsRole(client);
        return await ensureDnsService({ clusterIp: shared['cluster-dns'] }, { client });
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

/** Names need namespaces too, which kube-proxy's own role does not give. */
async function ensureDnsRole(client: Client): Promise<void> {
  const metadata = { name: 'wherry:dns' };
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const rules = [{ apiGroups: [''], resources: ['namespaces'], verbs: ['list', 'watch'] }];
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: users.proxy.name }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: metadata.name };
  await unlessThere(client.create(resources.clusterroles, { apiVersion, kind: 'ClusterRole', metadata, rules }));
  await unlessThere(
    client.create(resources.clusterrolebindings, {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata,
      subjects,
      roleRef,
    }),
  );
}

async function unlessThere(creating: Promise<unknown>): Promise<void> {
  try {
    await creating;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
