import type { KubeObject, Resource, UnknownObject } from '#api';
import { resources } from '#api';
import type { InformerEvent } from '#client';
import { isNotFound, refOf } from '#client';
import type { ControllerDeps, ControllerSpec } from '../controller.ts';
import { discoverResources } from '../discovery.ts';
import type { Loop } from '../loop.ts';
import { startLoop } from '../loop.ts';
import type { Located, OwnerGraph } from './graph.ts';
import { createOwnerGraph } from './graph.ts';
import type { OwnerState } from './plan.ts';
import {
  blockingDependents,
  foregroundFinalizer,
  isDeletingDependents,
  isOrphaning,
  orphanFinalizer,
  planGarbage,
} from './plan.ts';

/** Upstream looks for new resources this often; CRDs are seen at once, and once more when discovery has them. */
const discoverMs = 30_000;
const settleMs = 1000;
const discoverKey = ':discover';
const discoverSoonKey = `${discoverKey}-soon`;

/** Deletes what has lost all its owners, and keeps the order that foreground deletion and orphaning promise. */
export const garbageCollector: ControllerSpec = {
  name: 'garbage-collector',
  serviceAccount: 'generic-garbage-collector',
  reads: 'every',
  writes: [{ resource: 'every', verbs: ['delete', 'patch'] }],
  async start(deps) {
    const graph = createOwnerGraph(deps, (_, event) => {
      for (const uid of uidsOf(graph, event)) loop.queue.add(uid);
    });
    const crds = deps.informers.of(resources.customresourcedefinitions);
    const loop: Loop = startLoop(deps, {
      name: 'garbage-collector',
      concurrency: 20,
      informers: [crds],
      sync: key => (key.startsWith(discoverKey) ? discover(deps, graph) : collect(deps, graph, loop, key)),
    });
    loop.own(graph);
    loop.own(
      crds.onChange(() => {
        loop.queue.add(discoverKey);
        loop.queue.addAfter(discoverSoonKey, settleMs);
      }),
    );
    loop.every(discoverMs, discoverKey);
    return loop;
  },
};

async function discover(deps: ControllerDeps, graph: OwnerGraph): Promise<void> {
  graph.follow(await (deps.config.discover?.() ?? discoverResources(deps.client)));
}

/** Whom a change may concern: by uid, so that a name that is used again is not mixed up. */
function uidsOf(graph: OwnerGraph, { type, object, old }: InformerEvent<UnknownObject>): string[] {
  const { uid = '', ownerReferences = [] } = object.metadata;
  const owners = ownerReferences.map(ref => ref.uid);
  if (type === 'deleted') {
    graph.markAbsent(uid);
    return [...graph.dependentsOf(uid).map(one => one.object.metadata.uid ?? ''), ...owners];
  }
  const before = old?.metadata.ownerReferences?.map(ref => ref.uid) ?? [];
  const own = owners.length || isDeletingDependents(object) || isOrphaning(object) ? [uid] : [];
  const started = isDeletingDependents(object) && !(old && isDeletingDependents(old));
  const dependents = started ? graph.dependentsOf(uid).map(one => one.object.metadata.uid ?? '') : [];
  return [...own, ...dependents, ...before];
}

async function collect(deps: ControllerDeps, graph: OwnerGraph, loop: Loop, uid: string) {
  const found = graph.find(uid);
  if (!found) return;
  const isToOrphan = isOrphaning(found.object);
  if (!graph.synced(isToOrphan)) return { afterMs: 200 };
  try {
    if (isToOrphan) await orphan(deps, graph, found);
    else if (isDeletingDependents(found.object)) await awaitDependents(deps, graph, loop, found);
    else await judge(deps, graph, found);
  } catch (error) {
    // Gone already.
    if (!isNotFound(error)) throw error;
  }
  return;
}

async function judge({ client }: ControllerDeps, graph: OwnerGraph, { resource, object }: Located): Promise<void> {
  const { ownerReferences = [], uid, resourceVersion } = object.metadata;
  if (object.metadata.deletionTimestamp) return;
  const states = new Map<string, OwnerState>();
  for (const owner of ownerReferences) {
    const state = await graph.stateOf(object, owner);
    if (state === 'invalid') return;
    states.set(owner.uid, state);
  }
  const dependents = graph.dependentsOf(uid ?? '').map(one => one.object);
  const step = planGarbage({ object, stateOf: owner => states.get(owner.uid)!, dependents });
  if (step.do === 'nothing') return;
  if (step.do === 'dropOwners') {
    return patchMetadata(client, resource, object, { ownerReferences: step.ownerReferences });
  }
  if (step.unblock) await patchMetadata(client, resource, object, { ownerReferences: step.unblock });
  const preconditions = step.unblock ? { uid } : { uid, resourceVersion };
  await client.delete(resource, refOf(object), { propagationPolicy: step.policy, preconditions });
}

/** Foreground deletion: dependents first, then the object itself. */
async function awaitDependents(
  { client }: ControllerDeps,
  graph: OwnerGraph,
  loop: Loop,
  { resource, object }: Located,
) {
  const dependents = graph.dependentsOf(object.metadata.uid ?? '').map(one => one.object);
  const blocking = blockingDependents(object, dependents);
  if (!blocking.length) return dropFinalizer(client, resource, object, foregroundFinalizer);
  for (const dependent of blocking) {
    if (!isDeletingDependents(dependent)) loop.queue.add(dependent.metadata.uid ?? '');
  }
}

/** Frees the dependents, then lets the object go. */
async function orphan({ client }: ControllerDeps, graph: OwnerGraph, { resource, object }: Located): Promise<void> {
  const { uid } = object.metadata;
  for (const dependent of graph.dependentsOf(uid ?? '')) {
    const ownerReferences = (dependent.object.metadata.ownerReferences ?? []).filter(ref => ref.uid !== uid);
    try {
      await patchMetadata(client, dependent.resource, dependent.object, { ownerReferences });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  await dropFinalizer(client, resource, object, orphanFinalizer);
}

type Writer = ControllerDeps['client'];

function dropFinalizer(client: Writer, resource: Resource<UnknownObject>, object: KubeObject, finalizer: string) {
  const finalizers = (object.metadata.finalizers ?? []).filter(one => one !== finalizer);
  return patchMetadata(client, resource, object, { finalizers });
}

/** A merge patch that holds only for the version that was looked at: custom resources know no strategic merge. */
async function patchMetadata(
  client: Writer,
  resource: Resource<UnknownObject>,
  object: KubeObject,
  change: Pick<KubeObject['metadata'], 'finalizers' | 'ownerReferences'>,
): Promise<void> {
  const { uid, resourceVersion } = object.metadata;
  await client.patch(resource, refOf(object), {
    type: 'merge',
    body: { metadata: { uid, resourceVersion, ...change } },
  });
}
