import type { Clock, Log } from '#base';
import type { Store } from '../store.ts';
import { StoreError } from '../store.ts';
import { EtcdCluster } from './cluster.ts';
import { createFreeTurns, createSharedTurns } from './compaction-turns.ts';
import { EtcdStore } from './etcd-store.ts';
import { createKeyNames } from './key-names.ts';
import type { EtcdStoreOptions } from './open.ts';

/** How long to wait for an etcd that is just starting. */
const openMs = 10_000;
/** As upstream's. */
const compactionKey = 'compact_rev_key';

/** Opens what `openEtcdStore` describes; with what tests replace. */
export async function openWith(
  options: EtcdStoreOptions,
  deps: { clock: Clock; log: Log },
  { hasProgress }: { hasProgress?: boolean } = {},
): Promise<Store> {
  if (options.endpoints.length === 0) throw new RangeError('no endpoint of etcd is given');
  const cluster = new EtcdCluster({ ...options, ...deps });
  try {
    const names = createKeyNames(options.prefix ?? '/registry');
    const scope = options.scope ?? '/registry/';
    const { from } = names.range(scope);
    const { revision } = await cluster.call((member, timeoutMs) => member.range({ from, countOnly: true, timeoutMs }), {
      totalMs: openMs,
    });
    const { version } = await cluster.call((member, timeoutMs) => member.status({ timeoutMs }), { totalMs: openMs });
    checkVersion(version, cluster.where);
    const compacted = await findCompacted(cluster, from, revision);
    const isShared = options.isShared ?? true;
    const turns = isShared ? createSharedTurns(cluster, Buffer.from(compactionKey)) : createFreeTurns();
    return new EtcdStore({
      ...deps,
      ...{ cluster, names, scope, turns },
      start: { revision, compacted },
      hasProgress: hasProgress ?? keepsProgressPromise(version),
    });
  } catch (error) {
    cluster.close();
    throw error;
  }
}

function parseVersion(version: string): [major: number, minor: number, patch: number] {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
  return [major, minor, patch];
}

function checkVersion(version: string, where: string): void {
  const [major, minor] = parseVersion(version);
  if (major > 3 || (major === 3 && minor >= 4)) return;
  throw new StoreError('unavailable', `etcd at ${where} is version ${version}: 3.4 or newer is needed`);
}

/** Older ones may speak of a revision before they have sent its events (etcd issue 15220); the versions are those that upstream asks for. */
function keepsProgressPromise(version: string): boolean {
  const [major, minor, patch] = parseVersion(version);
  if (major !== 3) return major > 3;
  return minor > 5 || (minor === 5 && patch >= 13) || (minor === 4 && patch >= 31);
}

/** The oldest revision that can still be read: etcd does not tell, so it is searched for by halves. 0 when nothing has been compacted. */
async function findCompacted(cluster: EtcdCluster, from: Buffer, newest: number): Promise<number> {
  const isReadable = async (revision: number) => {
    try {
      await cluster.call((member, timeoutMs) => member.range({ from, revision, countOnly: true, timeoutMs }), {
        totalMs: openMs,
      });
      return true;
    } catch (error) {
      if (error instanceof StoreError && error.code === 'compacted') return false;
      throw error;
    }
  };
  if (await isReadable(1)) return 0;
  let [lost, readable] = [1, newest];
  while (readable - lost > 1) {
    const middle = Math.floor((lost + readable) / 2);
    if (await isReadable(middle)) readable = middle;
    else lost = middle;
  }
  return readable;
}
