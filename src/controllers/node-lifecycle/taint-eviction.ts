import type { Taint } from '#api';
import { resources } from '#api';
import type { ControllerSpec } from '../controller.ts';
import { disruptPod } from '../disrupt-pod.ts';
import { startLoop } from '../loop.ts';
import { refOfKey } from '../owners.ts';
import { evictionTime } from './eviction-plan.ts';

const { nodes, pods } = resources;

/** Deletes pods from nodes whose NoExecute taints they do not tolerate, or not any longer. */
export const taintEviction: ControllerSpec = {
  name: 'taint-eviction-controller',
  serviceAccount: 'node-controller',
  reads: [nodes, pods],
  writes: [
    { resource: pods, verbs: ['delete'] },
    { resource: pods, verbs: ['patch'], subresources: ['status'] },
  ],
  async start(deps) {
    const { informers, clock, events } = deps;
    const allNodes = informers.of(nodes);
    const allPods = informers.of(pods, { indexes: { node: pod => (pod.spec.nodeName ? [pod.spec.nodeName] : []) } });
    /** For taints without a time: when they were first seen here. */
    const firstSeen = new Map<string, number>();
    const waiting = new Set<string>();
    const sync = async (key: string) => {
      const ref = refOfKey(key);
      const pod = allPods.get(ref.namespace, ref.name);
      if (!pod?.spec.nodeName || pod.metadata.deletionTimestamp) return void waiting.delete(key);
      const { nodeName } = pod.spec;
      const taints = allNodes.get(undefined, nodeName)?.spec.taints ?? [];
      const sinceMs = (taint: Taint) => {
        if (taint.timeAdded) return Date.parse(taint.timeAdded);
        const id = `${nodeName}|${taint.key}|${taint.value ?? ''}`;
        if (!firstSeen.has(id)) firstSeen.set(id, clock.now());
        return firstSeen.get(id)!;
      };
      const atMs = evictionTime(pod, taints, sinceMs);
      if (atMs === 'never') {
        const message = `Cancelling deletion of Pod ${key}`;
        if (waiting.delete(key)) events.record(pod, { type: 'Normal', reason: 'TaintManagerEviction', message });
        return;
      }
      if (atMs > clock.now()) {
        waiting.add(key);
        return { afterMs: atMs - clock.now() };
      }
      waiting.delete(key);
      events.record(pod, {
        type: 'Normal',
        reason: 'TaintManagerEviction',
        message: `Marking for deletion Pod ${key}`,
      });
      const message = 'Taint manager: deleting due to NoExecute taint';
      await disruptPod(deps, pod, { reason: 'DeletionByTaintManager', message });
      return;
    };
    const loop = startLoop(deps, { name: 'taint-eviction', concurrency: 8, informers: [allNodes, allPods], sync });
    const keyOf = ({ metadata }: { metadata: { namespace?: string | undefined; name: string } }) =>
      `${metadata.namespace}/${metadata.name}`;
    loop.on(allPods, ({ type, object }) => (type === 'deleted' || !object.spec.nodeName ? [] : [keyOf(object)]));
    loop.on(allNodes, ({ object, old }) => {
      const { name } = object.metadata;
      const evicts = (taints: readonly Taint[] | undefined) =>
        taints?.some(({ effect }) => effect === 'NoExecute') ?? false;
      for (const id of firstSeen.keys()) {
        const [node, key] = id.split('|');
        if (node === name && !object.spec.taints?.some(taint => taint.key === key)) firstSeen.delete(id);
      }
      return evicts(object.spec.taints) || evicts(old?.spec.taints) ? allPods.byIndex('node', name).map(keyOf) : [];
    });
    return loop;
  },
};
