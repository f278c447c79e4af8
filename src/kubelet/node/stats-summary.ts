import { formatTime } from '#base';
import type { CriContainerStats } from '#wire';
import type { PodContext } from '../pods/context.ts';
import { labels } from '../runtime/labels.ts';
import { availableMemory, type FilesystemState } from './machine.ts';

/** The document of /stats/summary (k8s.io/kubelet/pkg/apis/stats/v1alpha1), as far as the runtime and the groups know. */
export async function statsSummary(
  context: PodContext,
  state: { nodefs: FilesystemState; imagefs: FilesystemState },
): Promise<unknown> {
  const { clock, config, cgroups, node } = context;
  const time = formatTime(clock.now());
  const stats = await context.cri.runtime.listContainerStats();
  const byPod = Map.groupBy(stats, one => one.attributes.labels[labels.podUid] ?? '');
  const root = config.cgroupRoot ?? '/kubepods';
  const [podsCpu, podsMemory] = await Promise.all([cgroups.cpuUsage(root), cgroups.memoryWorkingSet(root)]);
  const available = availableMemory();
  return {
    node: {
      nodeName: config.nodeName,
      startTime: time,
      systemContainers: [
        {
          name: 'pods',
          startTime: time,
          cpu: { time, usageCoreNanoSeconds: podsCpu ?? 0 },
          memory: { time, workingSetBytes: podsMemory ?? 0 },
        },
      ],
      cpu: { time, usageCoreNanoSeconds: (await cgroups.cpuUsage('/')) ?? 0 },
      memory: { time, availableBytes: available, workingSetBytes: node.memoryBytes - available },
      fs: filesystem(time, state.nodefs),
      runtime: { imageFs: filesystem(time, state.imagefs) },
    },
    pods: [...byPod].flatMap(([uid, containers]) => {
      const runtime = context.cache.pod(uid);
      if (!runtime) return [];
      const { name, namespace } = runtime;
      const running = containers.filter(one => runtime.containers.some(known => known.id === one.attributes.id));
      return [
        {
          podRef: { name, namespace, uid },
          startTime: time,
          ...sums(time, running),
          containers: running.map(one => container(time, one)),
        },
      ];
    }),
  };
}

function filesystem(time: string, { totalBytes, availableBytes, totalInodes, freeInodes }: FilesystemState) {
  return {
    ...{ time, availableBytes, capacityBytes: totalBytes, usedBytes: totalBytes - availableBytes },
    ...{ inodesFree: freeInodes, inodes: totalInodes, inodesUsed: totalInodes - freeInodes },
  };
}

function container(time: string, { attributes, cpu, memory, writableLayer }: CriContainerStats) {
  return {
    name: attributes.metadata.name,
    startTime: time,
    cpu: {
      time,
      ...(cpu?.usageNanoCores && { usageNanoCores: cpu.usageNanoCores.value }),
      usageCoreNanoSeconds: cpu?.usageCoreNanoSeconds?.value ?? 0,
    },
    memory: {
      time,
      workingSetBytes: memory?.workingSetBytes?.value ?? 0,
      ...(memory?.rssBytes && { rssBytes: memory.rssBytes.value }),
    },
    rootfs: {
      time,
      usedBytes: writableLayer?.usedBytes?.value ?? 0,
      inodesUsed: writableLayer?.inodesUsed?.value ?? 0,
    },
  };
}

function sums(time: string, all: readonly CriContainerStats[]) {
  const sum = (read: (one: CriContainerStats) => number | undefined) =>
    all.reduce((total, one) => total + (read(one) ?? 0), 0);
  return {
    cpu: { time, usageCoreNanoSeconds: sum(one => one.cpu?.usageCoreNanoSeconds?.value) },
    memory: { time, workingSetBytes: sum(one => one.memory?.workingSetBytes?.value) },
  };
}
