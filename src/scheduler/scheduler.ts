import { type Node, type Pod, resources } from '#api';
import { formatTime, isAbort, type Running } from '#base';
import type { ComponentDeps, Informer } from '#client';
import { planCycle } from './cycle.ts';
import { createClusterState, isFinished } from './node-state.ts';
import { createCycle, type Lookups, type SchedulerPlugin } from './plugin.ts';
import { plugins as defaultPlugins } from './plugins.ts';
import { describeNoPreemption, type Preemption, planPreemption } from './preemption.ts';
import { createSchedulingQueue } from './queue.ts';

export interface SchedulerConfig {
  /** Pods whose spec.schedulerName is this one are ours; default `default-scheduler`. */
  name?: string;
  plugins?: readonly SchedulerPlugin[];
}

/** What it reads and writes, for its role (upstream's system:kube-scheduler). */
export const schedulerReads = [
  resources.pods,
  resources.nodes,
  resources.namespaces,
  resources.persistentvolumeclaims,
  resources.persistentvolumes,
  resources.poddisruptionbudgets,
] as const;

/**
 * Places pods that have no node: one at a time from a queue ordered by priority, by filters and scores (plugins.ts), written as a Binding. What finds no
 * place gets an event and a condition that say why, makes room by preemption where its priority allows, and is tried again when something changes.
 */
export async function startScheduler(config: SchedulerConfig, deps: ComponentDeps): Promise<Running> {
  const scheduler = new Scheduler(config, deps);
  await deps.informers.whenSynced();
  scheduler.run();
  return scheduler;
}

class Scheduler implements Running {
  readonly #deps: ComponentDeps;
  readonly #name: string;
  readonly #plugins: readonly SchedulerPlugin[];
  readonly #state = createClusterState();
  readonly #queue;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #lookups: Lookups;
  readonly #budgets;
  readonly #subscriptions = new DisposableStack();
  readonly #stop = new AbortController();
  /** Pods bound by us that the informer does not show as bound yet. */
  readonly #assumed = new Map<string, Pod>();
  readonly #binding = new Set<Promise<void>>();
  #running = false;
  #loop: Promise<void> = Promise.resolve();
  #isLooping = false;

  constructor(config: SchedulerConfig, deps: ComponentDeps) {
    this.#deps = deps;
    this.#name = config.name ?? 'default-scheduler';
    this.#plugins = config.plugins ?? defaultPlugins;
    this.#queue = createSchedulingQueue(deps.clock, () => this.#kick());
    this.#pods = deps.informers.of(resources.pods);
    this.#nodes = deps.informers.of(resources.nodes);
    this.#budgets = deps.informers.of(resources.poddisruptionbudgets);
    this.#lookups = {
      namespaces: deps.informers.of(resources.namespaces),
      claims: deps.informers.of(resources.persistentvolumeclaims),
      volumes: deps.informers.of(resources.persistentvolumes),
    };
  }

  run(): void {
    this.#running = true;
    const { claims, volumes, namespaces } = this.#lookups;
    this.#subscriptions.use(this.#nodes.onChange(event => this.#onNode(event.object, event.type === 'deleted')));
    this.#subscriptions.use(this.#pods.onChange(event => this.#onPod(event.object, event.type === 'deleted')));
    for (const informer of [claims, volumes, namespaces] as const) {
      this.#subscriptions.use((informer as Informer<Node>).onChange(() => this.#queue.wake()));
    }
    this.#kick();
  }

  ready(): string | undefined {
    return this.#running ? undefined : 'waiting for the first listing';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false;
    this.#stop.abort();
    this.#subscriptions.dispose();
    this.#queue[Symbol.dispose]();
    await this.#loop;
    await Promise.allSettled(this.#binding);
  }

  #onNode(node: Node, isDeleted: boolean): void {
    if (isDeleted) this.#state.removeNode(node.metadata.name);
    else this.#state.setNode(node);
    this.#queue.wake();
  }

  #onPod(pod: Pod, isDeleted: boolean): void {
    const uid = pod.metadata.uid!;
    if (isDeleted || isFinished(pod)) {
      this.#assumed.delete(uid);
      this.#seen.delete(uid);
      this.#state.removePod(uid);
      this.#queue.remove(uid);
      this.#queue.wake();
    } else if (pod.spec.nodeName) {
      this.#assumed.delete(uid);
      this.#state.setPod(pod);
      this.#queue.remove(uid);
      this.#queue.wake();
    } else if (!this.#assumed.has(uid) && this.#isOurs(pod) && this.#isNews(pod)) {
      this.#queue.put(pod);
    }
  }

  #isOurs(pod: Pod): boolean {
    return (
      (pod.spec.schedulerName ?? 'default-scheduler') === this.#name &&
      !pod.spec.schedulingGates?.length &&
      !pod.metadata.deletionTimestamp
    );
  }

  /** Our own condition comes back as an update: that is no reason to try again. */
  #isNews(pod: Pod): boolean {
    const condition = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    return !(
      condition?.status === 'False' &&
      condition.reason === 'Unschedulable' &&
      this.#seen.get(pod.metadata.uid!) === specKey(pod)
    );
  }

  /** What of a pod was last tried, by uid. */
  readonly #seen = new Map<string, string>();

  #kick(): void {
    if (!this.#running || this.#isLooping) return;
    this.#isLooping = true;
    this.#loop = this.#drain().finally(() => {
      this.#isLooping = false;
    });
  }

  async #drain(): Promise<void> {
    for (let next = this.#queue.take(); next && this.#running; next = this.#queue.take()) {
      await this.#schedule(next.pod, next.attempts);
    }
  }

  async #schedule(pod: Pod, attempts: number): Promise<void> {
    const uid = pod.metadata.uid!;
    this.#seen.set(uid, specKey(pod));
    const cycle = createCycle(pod, this.#state.nodes(), this.#lookups);
    const outcome = planCycle({ cycle, plugins: this.#plugins, random: this.#deps.random });
    if ('node' in outcome) {
      this.#assume(pod, outcome.node, attempts);
      return;
    }
    const preemption = planPreemption({
      cycle,
      helpable: outcome.helpable,
      plugins: this.#plugins,
      budgets: this.#budgets.list(),
    });
    const isPlain = preemption !== undefined || cycle.nodes.length === 0;
    const message = isPlain ? outcome.refused : `${outcome.refused} ${describeNoPreemption(cycle, outcome.helpable)}`;
    this.#queue.refused(pod, attempts);
    this.#deps.events.record(pod, { type: 'Warning', reason: 'FailedScheduling', message });
    await this.#attempt(pod, 'writing why the pod waits', async () => {
      if (preemption) await this.#preempt(pod, preemption);
      await this.#writeCondition(pod, message, preemption?.node);
    });
  }

  /** The next pod is placed as if this one were bound already; the write goes on beside. */
  #assume(pod: Pod, nodeName: string, attempts: number): void {
    const uid = pod.metadata.uid!;
    const placed = { ...pod, spec: { ...pod.spec, nodeName } };
    this.#assumed.set(uid, placed);
    this.#state.setPod(placed);
    const bound = this.#bind(pod, nodeName).catch(error => {
      if (this.#assumed.delete(uid)) this.#state.removePod(uid);
      if (isAbort(error)) return;
      this.#deps.log.warn('cannot bind pod', { pod: keyOf(pod), node: nodeName, error });
      if (this.#pods.byUid(uid)) this.#queue.refused(pod, attempts);
      this.#queue.wake();
    });
    this.#binding.add(bound);
    void bound.then(() => this.#binding.delete(bound));
  }

  async #bind(pod: Pod, nodeName: string): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    await this.#deps.client.create(
      resources.pods,
      {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, namespace, uid },
        target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
      } as never,
      { subresource: 'binding', signal: this.#stop.signal },
    );
    this.#seen.delete(uid!);
    const message = `Successfully assigned ${namespace}/${name} to ${nodeName}`;
    this.#deps.events.record(pod, { type: 'Normal', reason: 'Scheduled', message });
  }

  async #preempt(pod: Pod, { node, victims }: Preemption): Promise<void> {
    for (const victim of victims.filter(other => !other.metadata.deletionTimestamp)) {
      await this.#deps.client.delete(resources.pods, victim.metadata, { preconditions: { uid: victim.metadata.uid } });
      const message = `Preempted by pod ${pod.metadata.uid} on node ${node}`;
      this.#deps.events.record(victim, { type: 'Normal', reason: 'Preempted', message });
    }
  }

  async #writeCondition(pod: Pod, message: string, nominatedNodeName: string | undefined): Promise<void> {
    const old = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    if (old?.message === message && old.status === 'False' && !nominatedNodeName) return;
    const lastTransitionTime = old?.status === 'False' ? old.lastTransitionTime : formatTime(this.#deps.clock.now());
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, lastTransitionTime };
    const body = { status: { conditions: [condition], ...(nominatedNodeName && { nominatedNodeName }) } };
    await this.#deps.client.patch(resources.pods, pod.metadata, {
      type: 'strategic',
      body,
      subresource: 'status',
      signal: this.#stop.signal,
    });
  }

  async #attempt(pod: Pod, what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isAbort(error)) this.#deps.log.warn('cannot write', { what, pod: keyOf(pod), error });
    }
  }
}

function keyOf(pod: Pod): string {
  return `${pod.metadata.namespace}/${pod.metadata.name}`;
}

/** Changes when something of the pod changes that placing it depends on. */
function specKey(pod: Pod): string {
  return JSON.stringify([pod.spec, pod.metadata.labels]);
}
