import type { Pod, Service } from '#api';
import type { Clock, Log, Random } from '#base';
import type { Client, EventText, Informer } from '#client';
import type { Cgroups, Mounts } from '#host';
import type { Cri } from '#wire';
import type { KubeletConfig, KubeletDeps } from '../config.ts';
import type { DnsConfig } from '../containers/dns.ts';
import type { ImagePuller } from '../images/puller.ts';
import type { Prober } from '../probes/prober.ts';
import type { RuntimeCache } from '../runtime/runtime-cache.ts';
import type { PodObjects } from '../volumes/objects.ts';
import type { ServiceAccountTokens } from '../volumes/service-account-tokens.ts';
import type { Volumes } from '../volumes/volumes.ts';
import type { PodMemory } from './memory.ts';
import type { PodSource } from './pod-source.ts';
import type { RestartBackoff } from './restart-backoff.ts';
import type { StatusWriter } from './status-writer.ts';

/** What the steps of the pod loop work with. */
export interface PodContext {
  config: KubeletConfig;
  client: Client;
  cri: Cri;
  clock: Clock;
  random: Random;
  log: Log;
  mounts: Mounts;
  cgroups: Cgroups;
  cache: RuntimeCache;
  source: PodSource;
  status: StatusWriter;
  prober: Prober;
  puller: ImagePuller;
  volumes: Volumes;
  objects: PodObjects;
  tokens: ServiceAccountTokens;
  backoff: RestartBackoff;
  services: Informer<Service>;
  hostDns: DnsConfig;
  node: NodeFacts;
  memory(uid: string): PodMemory;
  record(about: Pod & { fieldPath?: string }, event: EventText): void;
  /** Takes a pod that has ended off the API server. */
  deletePod(ref: { namespace?: string | undefined; name: string }, uid: string): Promise<void>;
  /** Nothing of the pod is left: forget it everywhere. */
  forget(uid: string): void;
  /** Look at the pod again. */
  wake(uid: string): void;
  /** Runs beside the loop until it ends or the agent stops; failures are logged. */
  background(work: (signal: AbortSignal) => Promise<void>): void;
  beforeContainers: KubeletDeps['beforeContainers'];
  afterPod: KubeletDeps['afterPod'];
}

/** What the node has to give. */
export interface NodeFacts {
  memoryBytes: number;
  milliCpu: number;
  /** As shown in the node's status. */
  allocatable(): Readonly<Record<string, string>>;
}
