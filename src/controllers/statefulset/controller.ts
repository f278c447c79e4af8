import type { ControllerRevision, KubeObject, PersistentVolumeClaim, Pod, StatefulSet } from '#api';
import { resources } from '#api';
import type { Informer } from '#client';
import { isAlreadyExists, isNamespaceTerminating, isNotFound, refOf } from '#client';
import { claimObjects } from '../claim.ts';
import type { ControllerDeps, ControllerSpec } from '../controller.ts';
import { equalContent } from '../hash.ts';
import { startLoop } from '../loop.ts';
import { controllerIndex, controllerRefOf, controllerRefTo, orphansOf, ownerKeyOf, refOfKey } from '../owners.ts';
import { textOf } from '../pod-control.ts';
import { untilAvailableMs } from '../pods.ts';
import { syncRevisions, templateOf, truncateRevisions } from '../revisions.ts';
import { matchesSelector } from '../selector.ts';
import type { Revision } from './identity.ts';
import { buildClaims, ordinalOf, revisionOf } from './identity.ts';
import type { StatefulSetPlan } from './plan.ts';
import { planStatefulSet } from './plan.ts';

const { statefulsets, pods, controllerrevisions, persistentvolumeclaims } = resources;

/** Keeps pods with a name and volumes of their own. */
export const statefulset: ControllerSpec = {
  name: 'statefulset',
  serviceAccount: 'statefulset-controller',
  reads: [statefulsets, pods, controllerrevisions, persistentvolumeclaims],
  writes: [
    { resource: statefulsets, verbs: ['update'], subresources: ['status'] },
    { resource: pods, verbs: ['create', 'update', 'patch', 'delete'] },
    { resource: controllerrevisions, verbs: ['create', 'update', 'patch', 'delete'] },
    { resource: persistentvolumeclaims, verbs: ['create', 'update', 'delete'] },
  ],
  async start(deps) {
    const { informers } = deps;
    const context: Context = {
      deps,
      owners: informers.of(statefulsets),
      pods: informers.of(pods, { indexes: controllerIndex }),
      revisions: informers.of(controllerrevisions, { indexes: controllerIndex }),
      claims: informers.of(persistentvolumeclaims),
    };
    const loop = startLoop(deps, {
      name: 'statefulset',
      informers: [context.owners, context.pods, context.revisions, context.claims],
      sync: key => sync(context, key),
    });
    loop.on(context.owners, ({ object }) => [keyOf(object)]);
    loop.on(context.pods, ({ type, object, old }) => {
      const keys = [ownerKeyOf(object, statefulsets), old && ownerKeyOf(old, statefulsets)];
      if (controllerRefOf(object) || type === 'deleted') return keys;
      const adopters = context.owners.list(object.metadata.namespace);
      return [
        ...keys,
        ...adopters.filter(one => matchesSelector(one.spec.selector, object.metadata.labels)).map(keyOf),
      ];
    });
    return loop;
  },
};

interface Context {
  deps: ControllerDeps;
  owners: Informer<StatefulSet>;
  pods: Informer<Pod>;
  revisions: Informer<ControllerRevision>;
  claims: Informer<PersistentVolumeClaim>;
}

const keyOf = ({ metadata }: KubeObject) => `${metadata.namespace}/${metadata.name}`;

async function sync(context: Context, key: string) {
  const { deps } = context;
  const ref = refOfKey(key);
  const set = context.owners.get(ref.namespace, ref.name);
  if (!set) return;
  const members = await claimObjects({
    client: deps.client,
    resource: pods,
    owner: set,
    ownerRef: controllerRefTo(statefulsets, set),
    selector: set.spec.selector,
    candidates: [
      ...context.pods.byIndex('controller', set.metadata.uid ?? ''),
      ...context.pods.byIndex('controller', orphansOf(ref.namespace)).filter(pod => ordinalOf(set, pod) !== undefined),
    ],
    fresh: () => deps.client.get(statefulsets, ref),
  });
  const revisions = await syncRevisions(deps, context.revisions, set, {
    resource: statefulsets,
    hashLabel: 'controller.kubernetes.io/hash',
  });
  if (revisions === 'collision') {
    const collisionCount = (set.status?.collisionCount ?? 0) + 1;
    await writeStatus(context, set, { ...(set.status ?? { replicas: 0 }), collisionCount });
    return;
  }
  const nowMs = deps.clock.now();
  const { all } = revisions;
  const update = toRevision(revisions.update);
  const before = all.find(one => one.metadata.name === set.status?.currentRevision);
  const current = before ? toRevision(before) : update;
  const plan = planStatefulSet({ set, pods: members, current, update, nowMs });
  await apply(context, set, plan);
  await writeStatus(context, set, plan.status);
  const live = new Set([current.name, update.name, ...members.map(revisionOf)]);
  await truncateRevisions(deps, set, all, ({ metadata }) => live.has(metadata.name));
  const waitMs = untilAvailableMs(members, set.spec.minReadySeconds ?? 0, nowMs);
  return waitMs === undefined ? undefined : { afterMs: waitMs };
}

const toRevision = (kept: ControllerRevision): Revision => ({ name: kept.metadata.name, template: templateOf(kept) });

async function writeStatus({ deps }: Context, set: StatefulSet, status: StatefulSet['status']): Promise<void> {
  if (equalContent(status, set.status)) return;
  await deps.client.update(statefulsets, { ...set, status }, { subresource: 'status' });
}

async function apply(context: Context, set: StatefulSet, plan: StatefulSetPlan): Promise<void> {
  const { events } = context.deps;
  for (const { ordinal, pod } of plan.create) {
    for (const { claim } of buildClaims(set, ordinal)) await createClaim(context, set, claim, pod);
    await createSetPod(context, set, pod);
  }
  for (const pod of plan.recreate) {
    const [reason, what] =
      pod.status?.phase === 'Failed' ? ['RecreatingFailedPod', 'failed'] : ['RecreatingTerminatedPod', 'terminated'];
    const message = `StatefulSet ${keyOf(set)} is recreating ${what} Pod ${pod.metadata.name}`;
    events.record(set, { type: 'Warning', reason, message });
  }
  for (const pod of plan.remove) {
    if (plan.condemned.includes(pod)) await condemnClaims(context, set, pod);
    await removePod(context, set, pod);
  }
}

async function createSetPod({ deps }: Context, set: StatefulSet, pod: Pod): Promise<void> {
  const { name } = pod.metadata;
  try {
    await deps.client.create(pods, pod);
    const message = `create Pod ${name} in StatefulSet ${set.metadata.name} successful`;
    deps.events.record(set, { type: 'Normal', reason: 'SuccessfulCreate', message });
  } catch (error) {
    // It is there already: the informer will show it, or it is a stranger's and has to go first.
    if (isAlreadyExists(error) || isNamespaceTerminating(error)) return;
    const message = `create Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${textOf(error)}`;
    deps.events.record(set, { type: 'Warning', reason: 'FailedCreate', message });
    throw error;
  }
}

async function createClaim(
  { deps, claims }: Context,
  set: StatefulSet,
  claim: PersistentVolumeClaim,
  pod: Pod,
): Promise<void> {
  const { name, namespace } = claim.metadata;
  const existing = claims.get(namespace, name);
  // The old claim has to be gone before the pod may be made, or the pod would wait for a volume that goes away.
  if (existing?.metadata.deletionTimestamp) throw new Error(`pvc ${name} is being deleted`);
  if (existing) return;
  try {
    await deps.client.create(persistentvolumeclaims, claim);
    const message = `create Claim ${name} Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} success`;
    deps.events.record(set, { type: 'Normal', reason: 'SuccessfulCreate', message });
  } catch (error) {
    if (isAlreadyExists(error)) return;
    const text = `create Claim ${name} for Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} failed error: ${textOf(error)}`;
    deps.events.record(set, { type: 'Warning', reason: 'FailedCreate', message: text });
    throw error;
  }
}

async function removePod({ deps }: Context, set: StatefulSet, pod: Pod): Promise<void> {
  const { name, uid } = pod.metadata;
  try {
    await deps.client.delete(pods, refOf(pod), { preconditions: { uid } });
    const message = `delete Pod ${name} in StatefulSet ${set.metadata.name} successful`;
    deps.events.record(set, { type: 'Normal', reason: 'SuccessfulDelete', message });
  } catch (error) {
    if (isNotFound(error)) return;
    const message = `delete Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${textOf(error)}`;
    deps.events.record(set, { type: 'Warning', reason: 'FailedDelete', message });
    throw error;
  }
}

/** Where the set says so, the claims of a pod that goes for good go with it: the pod becomes their owner. */
async function condemnClaims({ deps, claims }: Context, set: StatefulSet, pod: Pod): Promise<void> {
  if (set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Delete') return;
  const { name, uid = '' } = pod.metadata;
  for (const { claim } of buildClaims(set, ordinalOf(set, pod) ?? 0)) {
    const existing = claims.get(claim.metadata.namespace, claim.metadata.name);
    if (!existing || existing.metadata.ownerReferences?.some(ref => ref.uid === uid)) continue;
    const owner = { apiVersion: 'v1', kind: 'Pod', name, uid };
    const others = (existing.metadata.ownerReferences ?? []).filter(ref => ref.uid !== set.metadata.uid);
    const metadata = { ...existing.metadata, ownerReferences: [...others, owner] };
    await deps.client.update(persistentvolumeclaims, { ...existing, metadata });
  }
}
