import type { ContainerImage, Node, NodeCondition, NodeStatus } from '#api';
import { formatTime } from '#base';
import type { CriImage } from '#wire';
import type { KubeletConfig } from '../config.ts';
import type { Machine } from './machine.ts';

/** Upstream's nodeStatusMaxImages and names per image. */
const [maxImages, maxNames] = [50, 5];

export interface Pressure {
  memory: boolean;
  disk: boolean;
  pid: boolean;
}

export interface NodeFactsNow {
  machine: Machine;
  /** Of the file system of the kubelet's folder. */
  storageBytes: number;
  pressure: Pressure;
  /** Why the node cannot run pods; empty when it can. */
  troubles: readonly string[];
  images: readonly CriImage[];
  runtime: { name: string; version: string };
  nowMs: number;
}

/** What the machine has and what pods may use of it, as quantities. */
export function capacityOf(config: KubeletConfig, machine: Machine, storageBytes: number): Record<string, string> {
  const hugepages = Object.entries(machine.hugepages).map(([size, bytes]) => [`hugepages-${size}`, sizeText(bytes)]);
  return {
    cpu: machine.milliCpu % 1000 === 0 ? String(machine.milliCpu / 1000) : `${machine.milliCpu}m`,
    'ephemeral-storage': sizeText(storageBytes),
    ...Object.fromEntries(hugepages),
    memory: sizeText(machine.memoryBytes),
    pods: String(config.maxPods),
  };
}

/** What is reserved against eviction is not handed out. */
export function allocatableOf(config: KubeletConfig, machine: Machine, storageBytes: number): Record<string, string> {
  const hugeBytes = Object.values(machine.hugepages).reduce((sum, bytes) => sum + bytes, 0);
  const memory = machine.memoryBytes - hugeBytes - config.eviction.memoryAvailableBytes;
  const storage = Math.floor(storageBytes * (1 - config.eviction.nodefsAvailablePercent / 100));
  return {
    ...capacityOf(config, machine, storageBytes),
    memory: sizeText(Math.max(0, memory)),
    'ephemeral-storage': String(storage),
  };
}

const sizeText = (bytes: number) => (bytes > 0 && bytes % 1024 === 0 ? `${bytes / 1024}Ki` : String(bytes));

/** Labels that every node has. */
export function nodeLabels(config: KubeletConfig, machine: Machine): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': machine.architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': machine.architecture,
    'kubernetes.io/hostname': config.nodeName,
    'kubernetes.io/os': 'linux',
    ...config.nodeLabels,
  };
}

/** The status as it should stand; transition times are taken over from what stands. */
export function nodeStatus(config: KubeletConfig, old: NodeStatus | undefined, facts: NodeFactsNow): NodeStatus {
  const { machine } = facts;
  const own = conditions(facts);
  const made = own.map((condition): NodeCondition => {
    const before = old?.conditions?.find(one => one.type === condition.type);
    const time = formatTime(facts.nowMs);
    const since = before?.status === condition.status ? before.lastTransitionTime : undefined;
    return { ...condition, lastHeartbeatTime: time, lastTransitionTime: since ?? time };
  });
  const others = (old?.conditions ?? []).filter(one => !own.some(mine => mine.type === one.type));
  return {
    ...old,
    addresses: [
      ...config.nodeIps.map(address => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: config.nodeName },
    ],
    capacity: { ...old?.capacity, ...capacityOf(config, machine, facts.storageBytes) },
    allocatable: { ...old?.allocatable, ...allocatableOf(config, machine, facts.storageBytes) },
    conditions: [...others, ...made],
    daemonEndpoints: { kubeletEndpoint: { Port: config.port } },
    images: imagesOf(facts.images),
    nodeInfo: {
      architecture: machine.architecture,
      bootID: machine.bootId,
      containerRuntimeVersion: `${facts.runtime.name}://${facts.runtime.version}`,
      kernelVersion: machine.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion: config.version,
      machineID: machine.machineId,
      operatingSystem: 'linux',
      osImage: machine.osImage,
      systemUUID: machine.systemUuid,
      ...(machine.swapBytes > 0 && { swap: { capacity: machine.swapBytes } }),
    },
  };
}

type Verdict = Pick<NodeCondition, 'type' | 'status' | 'reason' | 'message'>;

function conditions({ pressure, troubles }: NodeFactsNow): Verdict[] {
  const pressed = (type: string, is: boolean, [good, goodText, bad, badText]: readonly string[]): Verdict =>
    is
      ? { type, status: 'True', reason: bad!, message: badText! }
      : { type, status: 'False', reason: good!, message: goodText! };
  return [
    pressed('MemoryPressure', pressure.memory, [
      ...['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
      ...['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
    ]),
    pressed('DiskPressure', pressure.disk, [
      ...['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
      ...['KubeletHasDiskPressure', 'kubelet has disk pressure'],
    ]),
    pressed('PIDPressure', pressure.pid, [
      ...['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
      ...['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
    ]),
    troubles.length === 0
      ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: troubles.join(', ') },
  ];
}

function imagesOf(images: readonly CriImage[]): ContainerImage[] {
  return [...images]
    .sort((a, b) => b.size - a.size)
    .slice(0, maxImages)
    .map(({ repoDigests, repoTags, size }) => ({
      names: [...repoDigests, ...repoTags].slice(0, maxNames),
      sizeBytes: size,
    }));
}

/** The node as it registers itself. */
export function newNode(config: KubeletConfig, machine: Machine, status: NodeStatus): Node {
  const taints = [...(config.nodeTaints ?? [])];
  return {
    ...{ apiVersion: 'v1', kind: 'Node' },
    metadata: {
      name: config.nodeName,
      labels: nodeLabels(config, machine),
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: taints.length > 0 ? { taints } : {},
    status,
  };
}
