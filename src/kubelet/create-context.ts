import type { Pod } from '#api';
import { resources } from '#api';
import type { Informer } from '#client';
import type { KubeletConfig, KubeletDeps } from './config.ts';
import { readResolvConf } from './containers/dns.ts';
import { createImagePuller } from './images/puller.ts';
import type { Machine } from './node/machine.ts';
import { allocatableOf } from './node/node-status.ts';
import type { PodContext } from './pods/context.ts';
import { newMemory, type PodMemory } from './pods/memory.ts';
import { createPodSource } from './pods/pod-source.ts';
import { createRestartBackoff } from './pods/restart-backoff.ts';
import { createStatusWriter } from './pods/status-writer.ts';
import { createProber } from './probes/prober.ts';
import { createRuntimeCache } from './runtime/runtime-cache.ts';
import { createPodObjects } from './volumes/objects.ts';
import { createServiceAccountTokens } from './volumes/service-account-tokens.ts';
import { createVolumes } from './volumes/volumes.ts';

export interface ContextParts {
  pods: Informer<Pod>;
  statics: { list(): Pod[]; synced(): boolean };
  machine: Machine;
  storageBytes: number;
  wake(uid: string): void;
  /** Takes what must be released. */
  stack: AsyncDisposableStack;
}

/** Puts together what the steps of the pod loop work with. */
export async function createContext(
  config: KubeletConfig,
  deps: KubeletDeps,
  parts: ContextParts,
): Promise<PodContext> {
  const { client, cri, clock, random, log, mounts, cgroups } = deps;
  const { wake, stack, machine } = parts;
  const memories = new Map<string, PodMemory>();
  const memory = (uid: string) => memories.get(uid) ?? memories.set(uid, newMemory()).get(uid)!;
  const source = createPodSource(parts.pods, parts.statics);
  const record: PodContext['record'] = (about, event) => {
    // Events about a static pod are found at its mirror.
    const { namespace, name } = about.metadata;
    const known = source.byName(namespace ?? '', name);
    deps.events.record({ ...about, apiVersion: 'v1', kind: 'Pod', metadata: known?.metadata ?? about.metadata }, event);
  };
  const status = createStatusWriter({ client, clock, log, source: () => source, onWritten: wake });
  const objects = createPodObjects({
    ...{ client, clock, log, random },
    onChange(uid) {
      memory(uid).volumesStale = true;
      wake(uid);
    },
  });
  const tokens = createServiceAccountTokens({ client, clock });
  const prober = createProber({ runtime: cri.runtime, clock, random, log, record, onChange: wake });
  const puller = createImagePuller({
    ...{ images: cri.images, clock, log, serialize: config.serializeImagePulls, record, onDone: wake },
  });
  const backoff = createRestartBackoff();
  const volumes = createVolumes({ rootDir: config.rootDir, mounts, client, objects, tokens });
  const background = createBackground(deps, stack);
  for (const part of [status, objects, puller]) stack.use(part);
  stack.use(prober);
  const allocatable = allocatableOf(config, machine, parts.storageBytes);
  return {
    ...{ config, client, cri, clock, random, log, mounts, cgroups, source, status, prober, puller, volumes, objects },
    ...{ tokens, backoff, record, wake, memory, background },
    cache: createRuntimeCache(cri),
    services: deps.informers.of(resources.services),
    hostDns: await readResolvConf(config.resolvConf ?? '/etc/resolv.conf'),
    node: { memoryBytes: machine.memoryBytes, milliCpu: machine.milliCpu, allocatable: () => allocatable },
    deletePod: async (ref, uid) =>
      void (await client.delete(resources.pods, ref, { gracePeriodSeconds: 0, preconditions: { uid } })),
    forget(uid) {
      for (const part of [prober, puller, objects, tokens, status]) part.forget(uid);
      backoff.forget(`${uid}_`);
      memories.delete(uid);
    },
    beforeContainers: deps.beforeContainers,
    afterPod: deps.afterPod,
  };
}

function createBackground({ log }: KubeletDeps, stack: AsyncDisposableStack): PodContext['background'] {
  const stop = new AbortController();
  const running = new Set<Promise<void>>();
  stack.defer(async () => {
    stop.abort(new Error('the kubelet stops'));
    // What waits for a container to end is not waited for: the container's end is found by the next agent.
    await Promise.race([Promise.allSettled(running), new Promise(resolve => setImmediate(resolve))]);
  });
  return work => {
    if (stop.signal.aborted) return;
    const task = work(stop.signal)
      .catch((error: unknown) => {
        if (!stop.signal.aborted) log.warn('background work failed', { error });
      })
      .finally(() => running.delete(task));
    running.add(task);
  };
}
