import type { Lease, Node } from '#api';
import { resources } from '#api';
import { type Clock, formatMicroTime, type Log } from '#base';
import { type Client, isAlreadyExists, isConflict, isNotFound } from '#client';

/** Upstream's nodeLeaseDurationSeconds, renewed after a quarter of it. */
const [leaseSeconds, renewMs] = [40, 10_000];
const namespace = 'kube-node-lease';

/** Renews the node's lease until disposed: what the node controller takes as the sign of life. */
export function startNodeLease(options: {
  client: Client;
  clock: Clock;
  log: Log;
  nodeName: string;
  node(): Node | undefined;
}): AsyncDisposable {
  const { client, clock, log, nodeName: name } = options;
  const stop = new AbortController();
  let held: Lease | undefined;
  const specNow = () => ({
    holderIdentity: name,
    leaseDurationSeconds: leaseSeconds,
    renewTime: formatMicroTime(clock.now()),
  });
  const renew = async () => {
    const node = options.node();
    const ownerReferences = node?.metadata.uid
      ? [{ apiVersion: 'v1', kind: 'Node', name, uid: node.metadata.uid }]
      : undefined;
    held ??= await client.get(resources.leases, { namespace, name }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    const spec = { ...held?.spec, ...specNow() };
    const metadata = { ...(held?.metadata ?? { name, namespace }), ...(ownerReferences && { ownerReferences }) };
    const lease: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    held = held ? await client.update(resources.leases, lease) : await client.create(resources.leases, lease);
  };
  const run = async () => {
    while (!stop.signal.aborted) {
      try {
        await renew();
      } catch (error) {
        // Somebody else changed or deleted it, or the server is away: read it anew the next time.
        held = undefined;
        if (!isConflict(error) && !isAlreadyExists(error)) log.debug('lease not renewed', { error });
      }
      await clock.sleep(held ? renewMs : 1000, stop.signal).catch(() => undefined); // stopped
    }
  };
  const running = run();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the kubelet stops'));
      await running;
    },
  };
}
