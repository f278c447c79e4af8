import type { Deployment, Pod, ReplicaSet } from '#api';
import { resources } from '#api';
import type { Informer, InformerEvent } from '#client';
import { isAlreadyExists, isNamespaceTerminating, isNotFound, refOf } from '#client';
import { claimObjects } from '../claim.ts';
import type { ControllerDeps, ControllerSpec } from '../controller.ts';
import { equalContent } from '../hash.ts';
import { startLoop } from '../loop.ts';
import {
  controllerIndex,
  controllerRefOf,
  controllerRefTo,
  isControlledBy,
  orphansOf,
  ownerKeyOf,
  refOfKey,
} from '../owners.ts';
import { textOf } from '../pod-control.ts';
import { isEmptySelector, matchesSelector } from '../selector.ts';
import type { DeploymentPlan } from './plan.ts';
import { planDeployment } from './plan.ts';
import { isSameTemplate, revisionAnnotation } from './revisions.ts';
import { condition, hasDeadline, isComplete, setCondition, untilDeadlineMs } from './status.ts';

const { deployments, replicasets, pods } = resources;

/** Rolls ReplicaSets so that pods follow the template of each Deployment. */
export const deployment: ControllerSpec = {
  name: 'deployment',
  serviceAccount: 'deployment-controller',
  reads: [deployments, replicasets, pods],
  writes: [
    { resource: deployments, verbs: ['update'], subresources: ['status'] },
    { resource: replicasets, verbs: ['create', 'update', 'patch', 'delete'] },
  ],
  async start(deps) {
    const { informers } = deps;
    const context: Context = {
      deps,
      owners: informers.of(deployments),
      sets: informers.of(replicasets, { indexes: controllerIndex }),
      pods: informers.of(pods, { indexes: controllerIndex }),
    };
    const loop = startLoop(deps, {
      name: 'deployment',
      informers: [context.owners, context.sets, context.pods],
      sync: key => sync(context, key),
    });
    loop.on(context.owners, ({ object }) => [keyOf(object)]);
    loop.on(context.sets, event => keysOfSet(context, event));
    loop.on(context.pods, event => keysOfPod(context, event));
    return loop;
  },
};

interface Context {
  deps: ControllerDeps;
  owners: Informer<Deployment>;
  sets: Informer<ReplicaSet>;
  pods: Informer<Pod>;
}

const keyOf = ({ metadata }: Deployment | ReplicaSet) => `${metadata.namespace}/${metadata.name}`;

function keysOfSet({ owners }: Context, { type, object, old }: InformerEvent<ReplicaSet>): (string | undefined)[] {
  const keys = [ownerKeyOf(object, deployments), old && ownerKeyOf(old, deployments)];
  if (controllerRefOf(object) || type === 'deleted') return keys;
  const matching = owners
    .list(object.metadata.namespace)
    .filter(one => matchesSelector(one.spec.selector, object.metadata.labels));
  return [...keys, ...matching.map(keyOf)];
}

/** Only Recreate waits for pods: their end lets the new set start. */
function keysOfPod({ sets, owners }: Context, { type, object }: InformerEvent<Pod>): (string | undefined)[] {
  if (type === 'added') return [];
  const set = sets.byUid(controllerRefOf(object)?.uid ?? '');
  const key = set && ownerKeyOf(set, deployments);
  if (!key) return [];
  const { namespace, name } = refOfKey(key);
  return owners.get(namespace, name)?.spec.strategy?.type === 'Recreate' ? [key] : [];
}

async function sync(context: Context, key: string) {
  const { deps, owners, sets } = context;
  const ref = refOfKey(key);
  const owner = owners.get(ref.namespace, ref.name);
  if (!owner) return;
  if (isEmptySelector(owner.spec.selector)) return refuseSelector(context, owner);
  const claimed = await claimObjects({
    client: deps.client,
    resource: replicasets,
    owner,
    ownerRef: controllerRefTo(deployments, owner),
    selector: owner.spec.selector,
    candidates: [
      ...sets.byIndex('controller', owner.metadata.uid ?? ''),
      ...sets.byIndex('controller', orphansOf(ref.namespace)),
    ],
    fresh: () => deps.client.get(deployments, ref),
  });
  const nowMs = deps.clock.now();
  const podsOf = (set: ReplicaSet) => context.pods.byIndex('controller', set.metadata.uid ?? '');
  const plan = planDeployment({ deployment: owner, sets: claimed, podsOf, nowMs });
  await apply(context, owner, plan);
  if (!hasDeadline(owner) || isComplete(owner, plan.status)) return;
  const leftMs = untilDeadlineMs(owner, plan.status, nowMs);
  return Number.isFinite(leftMs) && leftMs >= 0 ? { afterMs: leftMs + 1000 } : undefined;
}

/** Creates, resizes and removes sets, then writes the status. */
async function apply(context: Context, owner: Deployment, plan: DeploymentPlan): Promise<void> {
  const { client } = context.deps;
  if (plan.create) await createSet(context, owner, plan.create);
  for (const { set, from } of plan.update) {
    const updated = await client.update(replicasets, set);
    if (from !== undefined) recordScale(context, owner, updated, from);
  }
  await writeStatus(context, owner, plan);
  for (const set of plan.remove) {
    await client.delete(replicasets, refOf(set), { preconditions: { uid: set.metadata.uid } }).catch(error => {
      if (!isNotFound(error)) throw error;
    });
  }
}

async function writeStatus(
  { deps }: Context,
  owner: Deployment,
  { status, revision }: Pick<DeploymentPlan, 'status' | 'revision'>,
) {
  const annotations = { ...owner.metadata.annotations, ...(revision ? { [revisionAnnotation]: revision } : {}) };
  if (equalContent(status, owner.status) && equalContent(annotations, owner.metadata.annotations ?? {})) return;
  const next = { ...owner, metadata: { ...owner.metadata, annotations }, status };
  await deps.client.update(deployments, next, { subresource: 'status' });
}

/** Creates the new set; a name taken by another content makes the next try hash to another name. */
async function createSet(context: Context, owner: Deployment, set: ReplicaSet): Promise<void> {
  const { deps, sets } = context;
  try {
    const created = await deps.client.create(replicasets, set);
    if (set.spec.replicas) recordScale(context, owner, created, 0);
  } catch (error) {
    if (isNamespaceTerminating(error)) return;
    if (!isAlreadyExists(error)) return failCreate(context, owner, set, error);
    const existing =
      sets.get(set.metadata.namespace, set.metadata.name) ?? (await deps.client.get(replicasets, refOf(set)));
    // Ours, and only the informer does not know yet.
    if (isControlledBy(existing, owner) && isSameTemplate(existing.spec.template, set.spec.template)) return;
    const collisionCount = (owner.status?.collisionCount ?? 0) + 1;
    await writeStatus(context, owner, { status: { ...owner.status, collisionCount }, revision: undefined });
    throw error;
  }
}

async function failCreate(context: Context, owner: Deployment, set: ReplicaSet, error: unknown): Promise<never> {
  const message = `Failed to create new replica set "${set.metadata.name}": ${textOf(error)}`;
  if (hasDeadline(owner)) {
    const failed = condition(context.deps.clock.now(), {
      ...{ type: 'Progressing', status: 'False', reason: 'ReplicaSetCreateError', message },
    });
    const conditions = setCondition(owner.status?.conditions, failed);
    await writeStatus(context, owner, { status: { ...owner.status, conditions }, revision: undefined });
  }
  context.deps.events.record(owner, { type: 'Warning', reason: 'ReplicaSetCreateError', message });
  throw error;
}

function recordScale({ deps }: Context, owner: Deployment, set: ReplicaSet, from: number): void {
  const to = set.spec.replicas ?? 0;
  const message = `Scaled ${to > from ? 'up' : 'down'} replica set ${set.metadata.name} from ${from} to ${to}`;
  deps.events.record(owner, { type: 'Normal', reason: 'ScalingReplicaSet', message });
}

async function refuseSelector(context: Context, owner: Deployment): Promise<void> {
  const message = 'This deployment is selecting all pods. A non-empty selector is required.';
  context.deps.events.record(owner, { type: 'Warning', reason: 'SelectingAll', message });
  const observedGeneration = owner.metadata.generation;
  await writeStatus(context, owner, { status: { ...owner.status, observedGeneration }, revision: undefined });
}
