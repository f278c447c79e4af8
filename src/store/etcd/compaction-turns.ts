import type { EtcdCluster } from './cluster.ts';

/** Who compacts: of several servers that want to at the same time only one does. */
export interface CompactionTurns {
  /**
   * `isMine`: go ahead. Otherwise somebody else has compacted, up to `compacted`, since this process looked last. `revision` is etcd's, as seen by the way.
   */
  take(revision: number): Promise<{ isMine: boolean; compacted: number; revision: number }>;
}

const callMs = 10_000;

/** For the only user of an etcd. */
export function createFreeTurns(): CompactionTurns {
  return { take: async () => ({ isMine: true, compacted: 0, revision: 0 }) };
}

/**
 * Upstream's way (apiserver storage/etcd3 compact.go): a key that holds the revision compacted last. Whoever changes it from what everybody saw last has the turn.
 */
export function createSharedTurns(cluster: EtcdCluster, key: Buffer): CompactionTurns {
  let seen = 0;
  return {
    async take(revision) {
      const value = Buffer.from(String(revision));
      const answer = await cluster.call((member, timeoutMs) => member.write({ key, value, expect: seen, timeoutMs }), {
        totalMs: callMs,
      });
      seen = answer.succeeded ? answer.revision : (answer.entry?.modRevision ?? 0);
      const compacted = answer.entry ? Number(answer.entry.value.toString()) || 0 : 0;
      return { isMine: answer.succeeded, compacted, revision: answer.revision };
    },
  };
}
