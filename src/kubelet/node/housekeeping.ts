import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '#api';
import { quantityToNumber } from '#api';
import type { ImageGc } from '../images/image-gc.ts';
import { rotateLogs, rotationMs } from '../logs/rotation.ts';
import type { PodContext } from '../pods/context.ts';
import { groupOf } from '../pods/report.ts';
import { collectContainers } from '../runtime/container-gc.ts';
import { volumePath } from '../volumes/pod-paths.ts';
import { evictionMessage, evictionOrder, pressureHoldMs, type Shortage, shortages } from './eviction.ts';
import type { FilesystemState } from './machine.ts';
import type { Pressure } from './node-status.ts';

/** Upstream's: thresholds every 10 s, dead containers every minute, images every five. */
const [evictionMs, containersMs, imagesMs, limitsMs] = [10_000, 60_000, 300_000, 60_000];

export interface Housekeeping extends AsyncDisposable {
  pressure(): Pressure;
}

/** What is done again and again beside the pods: logs, dead containers, unused images, and what happens when the node runs short. */
export function startHousekeeping(options: {
  context: PodContext;
  imageGc: ImageGc;
  readState(): Promise<{ nodefs: FilesystemState; imagefs: FilesystemState }>;
  /** Pressure came or went. */
  onPressure(): void;
}): Housekeeping {
  const { context, imageGc } = options;
  const { clock, log, cri, cache, config } = context;
  const stop = new AbortController();
  const lastSeen = new Map<Shortage['signal'], number>();
  const pressed = (signal: Shortage['signal']) => {
    const seen = lastSeen.get(signal);
    return seen !== undefined && clock.now() - seen < pressureHoldMs;
  };
  const pressure = (): Pressure => ({ memory: pressed('memory'), disk: pressed('disk'), pid: pressed('pid') });
  const running = () =>
    cache.uids().flatMap(uid => {
      const containers = cache.pod(uid)?.containers ?? [];
      return containers.filter(one => one.state === 'running' && one.logPath);
    });
  const imagesInUse = () =>
    new Set(cache.uids().flatMap(uid => (cache.pod(uid)?.containers ?? []).flatMap(one => [one.imageRef, one.image])));
  const every = async (periodMs: number, name: string, work: () => Promise<unknown>) => {
    for (;;) {
      await clock.sleep(periodMs, stop.signal).catch(() => undefined); // stopped
      if (stop.signal.aborted) return;
      await work().catch((error: unknown) => log.warn('housekeeping failed', { task: name, error }));
    }
  };
  const checkThresholds = async () => {
    const short = shortages(config.eviction, await options.readState());
    const before = JSON.stringify(pressure());
    for (const { signal } of short) lastSeen.set(signal, clock.now());
    if (JSON.stringify(pressure()) !== before) options.onPressure();
    const [first] = short;
    if (!first) return;
    if (first.signal === 'disk') {
      await collectContainers({ runtime: cri.runtime, cache, log });
      if ((await imageGc.collect(imagesInUse(), clock.now(), { all: true })) > 0) return;
    }
    await evictOne(context, first);
  };
  const { containerLogMaxSizeBytes: maxSizeBytes, containerLogMaxFiles: maxFiles } = config;
  const tasks = Promise.all([
    every(rotationMs, 'logs', () => rotateLogs({ runtime: cri.runtime, clock, log, maxSizeBytes, maxFiles, running })),
    every(containersMs, 'containers', () => collectContainers({ runtime: cri.runtime, cache, log })),
    every(imagesMs, 'images', () => imageGc.collect(imagesInUse(), clock.now())),
    every(evictionMs, 'thresholds', checkThresholds),
    every(limitsMs, 'limits', () => enforceLimits(context)),
  ]);
  return {
    pressure,
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the kubelet stops'));
      await tasks;
    },
  };
}

const hasEnded = (pod: Pod) => pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';

/** The node is short: one pod a round goes, so that the next look sees whether it was enough. */
async function evictOne(context: PodContext, shortage: Shortage): Promise<void> {
  const pods = context.source.list().filter(pod => !hasEnded(pod) && !context.memory(pod.metadata.uid ?? '').verdict);
  const usage = new Map<Pod, number>();
  for (const pod of pods) {
    const group = groupOf(context, pod);
    usage.set(pod, (group && (await context.cgroups.memoryWorkingSet(group))) || 0);
  }
  const [pod] = evictionOrder(pods, one => usage.get(one) ?? 0);
  if (pod) evict(context, pod, evictionMessage(shortage));
}

/** Throws a pod out: Failed with reason Evicted, with at most a moment's grace, as upstream's hard eviction. */
export function evict(context: PodContext, pod: Pod, message: string): void {
  const uid = pod.metadata.uid ?? '';
  const memory = context.memory(uid);
  memory.verdict = { reason: 'Evicted', message };
  memory.endGraceSeconds = 1;
  context.record(pod, { type: 'Warning', reason: 'Evicted', message });
  context.wake(uid);
}

/** emptyDir volumes on disk have no limit but the one that is looked after here. */
async function enforceLimits(context: PodContext): Promise<void> {
  for (const pod of context.source.list()) {
    const uid = pod.metadata.uid ?? '';
    if (hasEnded(pod) || context.memory(uid).verdict) continue;
    for (const { name, emptyDir } of pod.spec.volumes ?? []) {
      const limit = quantityToNumber(emptyDir?.sizeLimit);
      if (limit <= 0 || emptyDir?.medium === 'Memory') continue;
      const path = volumePath({ root: context.config.rootDir, uid, plugin: 'empty-dir', name });
      if ((await diskUsage(path)) <= limit) continue;
      evict(context, pod, `Usage of EmptyDir volume "${name}" exceeds the limit "${emptyDir?.sizeLimit}". `);
      break;
    }
  }
}

/** Bytes of blocks below the path. */
export async function diskUsage(path: string): Promise<number> {
  const status = await lstat(path).catch(() => undefined); // gone while we looked
  if (!status) return 0;
  const own = status.blocks * 512;
  if (!status.isDirectory()) return own;
  const names = await readdir(path).catch(() => []); // as above
  let sum = own;
  for (const name of names) sum += await diskUsage(join(path, name));
  return sum;
}
