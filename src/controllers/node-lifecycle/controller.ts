import type { Lease, Node, Pod } from '#api';
import { resources } from '#api';
import { formatTime } from '#base';
import type { Informer } from '#client';
import { isConflict, isNotFound, refOf } from '#client';
import { findCondition, hasCondition } from '../conditions.ts';
import type { ControllerDeps, ControllerSpec } from '../controller.ts';
import { startLoop } from '../loop.ts';
import type { NodeHealth } from './health.ts';
import { nextHealth, silentConditions } from './health.ts';
import { isNodeReady, planTaints } from './taints.ts';

const { nodes, pods, leases } = resources;
/** Upstream's --node-monitor-period, --node-monitor-grace-period (50 s since 1.32) and --node-startup-grace-period. */
export const [monitorMs, graceMs, startupGraceMs] = [5000, 50_000, 60_000];
const leaseNamespace = 'kube-node-lease';

/** Notices nodes that have gone silent, and tells it by conditions, taints and the readiness of their pods. */
export const nodeLifecycle: ControllerSpec = {
  name: 'node-lifecycle',
  serviceAccount: 'node-controller',
  reads: [nodes, pods, leases],
  writes: [
    { resource: nodes, verbs: ['update'] },
    { resource: nodes, verbs: ['update'], subresources: ['status'] },
    { resource: pods, verbs: ['patch'], subresources: ['status'] },
  ],
  async start(deps) {
    const { informers } = deps;
    const context: Context = {
      deps,
      nodes: informers.of(nodes),
      leases: informers.of(leases, { namespace: leaseNamespace }),
      pods: informers.of(pods, { indexes: { node: pod => (pod.spec.nodeName ? [pod.spec.nodeName] : []) } }),
      health: new Map(),
    };
    const loop = startLoop(deps, {
      name: 'node-lifecycle',
      concurrency: 10,
      informers: [context.nodes, context.leases, context.pods],
      sync: async key => (key === ':monitor' ? monitor(context, name => loop.queue.add(name)) : syncNode(context, key)),
    });
    loop.on(context.nodes, ({ type, object }) => (type === 'deleted' ? [] : [object.metadata.name]));
    loop.on(context.pods, ({ type, object }) => (type === 'added' ? [object.spec.nodeName] : []));
    loop.every(monitorMs, ':monitor');
    return loop;
  },
};

interface Context {
  deps: ControllerDeps;
  nodes: Informer<Node>;
  leases: Informer<Lease>;
  pods: Informer<Pod>;
  health: Map<string, NodeHealth>;
}

/** Looks for signs of life of every node; those that have been silent for too long are marked. */
async function monitor(context: Context, touch: (name: string) => void): Promise<void> {
  const { deps, health } = context;
  const nowMs = deps.clock.monotonicMs();
  const all = context.nodes.list();
  for (const name of health.keys()) if (!context.nodes.get(undefined, name)) health.delete(name);
  for (const node of all) {
    const { name } = node.metadata;
    const seen = nextHealth(node, context.leases.get(leaseNamespace, name), health.get(name), nowMs);
    health.set(name, seen);
    const patienceMs = node.status?.conditions?.length ? graceMs : startupGraceMs;
    if (nowMs - seen.seenMs > patienceMs) await markSilent(context, node);
    // NoExecute taints depend on all nodes, so that each is looked at again.
    else if (!isNodeReady(node) || node.spec.taints?.some(taint => taint.effect === 'NoExecute')) touch(name);
  }
}

async function markSilent({ deps }: Context, node: Node): Promise<void> {
  const conditions = silentConditions(node, deps.clock.now());
  if (conditions === node.status?.conditions) return;
  try {
    await deps.client.update(nodes, { ...node, status: { ...node.status, conditions } }, { subresource: 'status' });
  } catch (error) {
    // Somebody wrote to it just now: perhaps its kubelet. The next look decides.
    if (!isConflict(error) && !isNotFound(error)) throw error;
    return;
  }
  if (hasCondition(node.status?.conditions, 'Ready')) recordNotReady(deps, node);
}

function recordNotReady({ events }: ControllerDeps, node: Node): void {
  const message = `Node ${node.metadata.name} status is now: NodeNotReady`;
  events.record(node, { type: 'Normal', reason: 'NodeNotReady', message });
}

/** Brings a node's taints in line with its conditions, and its pods' readiness. */
async function syncNode(context: Context, name: string): Promise<void> {
  const { deps } = context;
  const node = context.nodes.get(undefined, name);
  if (!node || node.metadata.deletionTimestamp) return;
  const mayEvict = context.nodes.list().some(isNodeReady);
  const taints = planTaints(node, mayEvict, deps.clock.now());
  if (taints !== (node.spec.taints ?? taints) || (taints.length && !node.spec.taints)) {
    await deps.client.update(nodes, { ...node, spec: { ...node.spec, taints } });
  }
  const ready = findCondition(node.status?.conditions, 'Ready');
  if (ready && ready.status !== 'True') await markPodsNotReady(context, name);
}

/** Takes the pods out of their services: nobody knows whether they still answer. */
async function markPodsNotReady({ deps, pods: all }: Context, name: string): Promise<void> {
  for (const pod of all.byIndex('node', name)) {
    if (!hasCondition(pod.status?.conditions, 'Ready')) continue;
    const { uid } = pod.metadata;
    const condition = { type: 'Ready', status: 'False', lastTransitionTime: formatTime(deps.clock.now()) };
    const body = { metadata: { uid }, status: { conditions: [condition] } };
    try {
      await deps.client.patch(pods, refOf(pod), { type: 'strategic', subresource: 'status', body });
      deps.events.record(pod, { type: 'Warning', reason: 'NodeNotReady', message: 'Node is not ready' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
