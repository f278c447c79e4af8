import { isDeepStrictEqual } from 'node:util';
import type { Node, NodeStatus } from '#api';
import { resources } from '#api';
import { backoffMs, type Clock, type Log } from '#base';
import { type Client, type EventRecorder, type Informer, isAlreadyExists, isConflict, isNotFound } from '#client';
import type { KubeletConfig } from '../config.ts';
import type { Machine } from './machine.ts';
import { type NodeFactsNow, newNode, nodeLabels, nodeStatus } from './node-status.ts';

/** Upstream's nodeStatusUpdateFrequency and nodeStatusReportFrequency. */
const [checkMs, reportMs] = [10_000, 5 * 60_000];
const retryMs = 1000;
/** A node that is not ready looks again this soon, with growing pauses: pods wait for it. */
const notReadyBackoff = { firstMs: 100, maxMs: 2000 };

export interface NodeAgent extends AsyncDisposable {
  /** The node stands at the API server. */
  registered(): boolean;
  /** Look at the node's state now. */
  check(): void;
}

/** Registers the node and keeps its status true: at once when something changed, else every five minutes. */
export function startNodeAgent(options: {
  config: KubeletConfig;
  machine: Machine;
  client: Client;
  informer: Informer<Node>;
  events: EventRecorder;
  clock: Clock;
  log: Log;
  facts(): Promise<NodeFactsNow>;
}): NodeAgent {
  const { config, machine, client, clock, log } = options;
  const stop = new AbortController();
  let registered = false;
  let last: { status: NodeStatus; atMs: number } | undefined;
  let wake = Promise.withResolvers<void>();

  const register = async () => {
    const facts = await options.facts();
    const node = newNode(config, machine, nodeStatus(config, undefined, facts));
    try {
      await client.create(resources.nodes, node);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      await adopt();
    }
    if (!registered) {
      options.events.record(eventObject(config.nodeName), {
        type: 'Normal',
        reason: 'Starting',
        message: 'Starting kubelet.',
      });
    }
    registered = true;
  };
  /** A node that stood before us gets the labels that we know better. */
  const adopt = async () => {
    const wanted = nodeLabels(config, machine);
    const node = await client.get(resources.nodes, { name: config.nodeName });
    const differs = Object.entries(wanted).some(([key, value]) => node.metadata.labels?.[key] !== value);
    if (!differs) return;
    const body = { metadata: { labels: wanted } };
    await client.patch(resources.nodes, { name: config.nodeName }, { type: 'strategic', body });
  };
  /** Brings the status up to date; answers whether the node is ready. */
  const update = async (): Promise<boolean> => {
    const name = config.nodeName;
    const node = options.informer.get(undefined, name) ?? (await client.get(resources.nodes, { name }));
    const facts = await options.facts();
    const status = nodeStatus(config, node.status, facts);
    const isReady = facts.troubles.length === 0;
    const due = !last || facts.nowMs - last.atMs >= reportMs;
    if (!due && isDeepStrictEqual(lasting(status), lasting(node.status ?? {}))) return isReady;
    const send = (base: Node) =>
      client.update(
        resources.nodes,
        { ...base, status: nodeStatus(config, base.status, facts) },
        { subresource: 'status' },
      );
    const answer = await send(node).catch(async (error: unknown) => {
      if (!isConflict(error)) throw error;
      return send(await client.get(resources.nodes, { name }));
    });
    tellTransitions(options, node, status);
    last = { status: answer.status ?? {}, atMs: facts.nowMs };
    return isReady;
  };
  const run = async () => {
    let looks = 0;
    while (!stop.signal.aborted) {
      let nextMs = checkMs;
      try {
        if (!registered) await register();
        looks = (await update()) ? 0 : looks + 1;
        if (looks > 0) nextMs = backoffMs(notReadyBackoff, looks - 1);
      } catch (error) {
        nextMs = retryMs;
        if (isNotFound(error)) registered = false;
        else if (!stop.signal.aborted) log.debug('node status not written', { error });
      }
      wake = Promise.withResolvers<void>();
      const sleep = new AbortController();
      const slept = clock.sleep(nextMs, AbortSignal.any([stop.signal, sleep.signal])).catch(() => undefined); // woken or stopped
      await Promise.race([slept, wake.promise]);
      sleep.abort();
    }
  };
  const running = run();
  return {
    registered: () => registered,
    check: () => wake.resolve(),
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the kubelet stops'));
      wake.resolve();
      await running;
    },
  };
}

/** Heartbeats alone are no change. */
function lasting(status: NodeStatus): unknown {
  const conditions = (status.conditions ?? [])
    .map(({ type, status: is, reason, message }) => [type, is, reason, message])
    .sort();
  const { addresses, capacity, allocatable, images, nodeInfo, daemonEndpoints } = status;
  return JSON.parse(
    JSON.stringify({ conditions, addresses, capacity, allocatable, images, nodeInfo, daemonEndpoints }),
  );
}

/** Upstream names the node by its name where others name the uid. */
const eventObject = (name: string): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name, uid: name }, spec: {} },
});

function tellTransitions(
  { config, events }: { config: KubeletConfig; events: EventRecorder },
  before: Node,
  after: NodeStatus,
): void {
  for (const { type, status, reason } of after.conditions ?? []) {
    const old = before.status?.conditions?.find(one => one.type === type)?.status;
    if (old === status) continue;
    const named =
      type === 'Ready' ? (status === 'True' ? 'NodeReady' : 'NodeNotReady') : (reason ?? '').replace('Kubelet', 'Node');
    if (!['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'].includes(type)) continue;
    const message = `Node ${config.nodeName} status is now: ${named}`;
    events.record(eventObject(config.nodeName), { type: 'Normal', reason: named, message });
  }
}
