import type { Log } from '#base';
import type { CriRuntime } from '#wire';
import type { RuntimeCache } from './runtime-cache.ts';
import type { RuntimeContainer } from './runtime-pod.ts';

/** Upstream's MaxPerPodContainer: of each container that many dead ones stay, for `logs --previous`. */
const keptDead = 1;

/** Removes dead containers beyond the newest of each name, and sandboxes that nothing needs any more. Answers how many. */
export async function collectContainers({
  runtime,
  cache,
  log,
}: {
  runtime: CriRuntime;
  cache: RuntimeCache;
  log: Log;
}): Promise<number> {
  let removed = 0;
  for (const uid of cache.uids()) {
    const pod = await cache.refresh(uid);
    const byName = Map.groupBy(pod.containers, container => container.name);
    const dead = [...byName.values()].flatMap(surplus);
    for (const { id } of dead) await runtime.removeContainer(id);
    const left = pod.containers.filter(container => !dead.includes(container));
    // The newest sandbox stays while its pod does.
    const unused = pod.sandboxes
      .slice(1)
      .filter(one => !one.ready && !left.some(container => container.sandboxId === one.id));
    for (const { id } of unused) await runtime.removeSandbox(id);
    removed += dead.length + unused.length;
  }
  if (removed > 0) log.debug('dead containers collected', { removed });
  return removed;
}

/** The list is newest first. A container that runs keeps one dead beside it. */
function surplus(instances: readonly RuntimeContainer[]): RuntimeContainer[] {
  const dead = instances.filter(one => one.state === 'exited' || one.state === 'created');
  const isNewestDead = instances[0] !== undefined && dead[0] === instances[0];
  return dead.slice(keptDead + (isNewestDead ? 1 : 0));
}
