import type { KubeObject, LabelSelector, Pod, PodTemplateSpec, ReplicaSetStatus, Resource } from '#api';
import { resources } from '#api';
import type { Running } from '#base';
import type { Informer, InformerEvent } from '#client';
import { isNamespaceTerminating } from '#client';
import { claimObjects } from '../claim.ts';
import type { ControllerDeps } from '../controller.ts';
import { createExpectations } from '../expectations.ts';
import { equalContent } from '../hash.ts';
import { startLoop } from '../loop.ts';
import { controllerIndex, controllerRefOf, controllerRefTo, orphansOf, ownerKeyOf, refOfKey } from '../owners.ts';
import { createPod, deletePod, textOf } from '../pod-control.ts';
import { isActive, isTerminating, podFromTemplate, untilAvailableMs } from '../pods.ts';
import { matchesSelector } from '../selector.ts';
import { slowStart } from '../slow-start.ts';
import { planReplicaStatus, planReplicas } from './plan.ts';

/** What ReplicaSets and ReplicationControllers have in common. */
export interface ReplicaOwner extends KubeObject {
  spec: {
    replicas?: number | undefined;
    minReadySeconds?: number | undefined;
    template?: PodTemplateSpec | undefined;
  };
  status?: ReplicaSetStatus | undefined;
}

export interface ReplicasOptions<T extends ReplicaOwner> {
  name: string;
  resource: Resource<T>;
  selectorOf(owner: T): LabelSelector | undefined;
  /** The kind's status counts terminating pods. */
  countsTerminating: boolean;
}

/** Keeps as many pods as each owner asks for. */
export async function startReplicas<T extends ReplicaOwner>(
  deps: ControllerDeps,
  options: ReplicasOptions<T>,
): Promise<Running> {
  const { informers, clock } = deps;
  const { resource, name } = options;
  const owners = informers.of(resource, { indexes: controllerIndex });
  const pods = informers.of(resources.pods, { indexes: controllerIndex });
  const expectations = createExpectations(clock);
  const context: Context<T> = { deps, options, owners, pods, expectations };
  const loop = startLoop(deps, { name, informers: [owners, pods], sync: key => sync(context, key) });
  loop.own(expectWatch(context));
  loop.on(owners, ({ object }) => [`${object.metadata.namespace}/${object.metadata.name}`]);
  loop.on(pods, event => keysOfPod(context, event));
  return loop;
}

interface Context<T extends ReplicaOwner> {
  deps: ControllerDeps;
  options: ReplicasOptions<T>;
  owners: Informer<T>;
  pods: Informer<Pod>;
  expectations: ReturnType<typeof createExpectations>;
}

/** Ticks off what the informer now shows. Stands before the handlers that add keys, so that they find it ticked off. */
function expectWatch<T extends ReplicaOwner>({ pods, expectations, options }: Context<T>): Disposable {
  return pods.onChange(({ type, object, old }) => {
    const key = ownerKeyOf(object, options.resource);
    if (!key) return;
    const going = type === 'deleted' || object.metadata.deletionTimestamp;
    if (type === 'added' && !going) expectations.creationObserved(key);
    if (going && !old?.metadata.deletionTimestamp) expectations.deletionObserved(key, object.metadata.uid ?? '');
  });
}

function keysOfPod<T extends ReplicaOwner>(
  { owners, options }: Context<T>,
  { type, object, old }: InformerEvent<Pod>,
): (string | undefined)[] {
  const keys = [ownerKeyOf(object, options.resource), old && ownerKeyOf(old, options.resource)];
  if (controllerRefOf(object) || type === 'deleted') return keys;
  const matching = owners
    .list(object.metadata.namespace)
    .filter(owner => matchesSelector(options.selectorOf(owner), object.metadata.labels));
  return [...keys, ...matching.map(owner => `${owner.metadata.namespace}/${owner.metadata.name}`)];
}

async function sync<T extends ReplicaOwner>(context: Context<T>, key: string) {
  const { deps, options, owners, pods, expectations } = context;
  const ref = refOfKey(key);
  const owner = owners.get(ref.namespace, ref.name);
  if (!owner) return expectations.forget(key);
  const { metadata, spec } = owner;
  const mayManage = expectations.satisfied(key);
  const mine = pods.byIndex('controller', metadata.uid ?? '');
  const claimed = await claimObjects({
    client: deps.client,
    resource: resources.pods,
    owner,
    ownerRef: controllerRefTo(options.resource, owner),
    selector: options.selectorOf(owner),
    candidates: [...mine, ...pods.byIndex('controller', orphansOf(ref.namespace)).filter(isActive)],
    fresh: () => deps.client.get(options.resource, ref),
  });
  const active = claimed.filter(isActive);
  let failure: unknown;
  if (mayManage && !metadata.deletionTimestamp) failure = await manage(context, key, owner, active);
  const nowMs = deps.clock.now();
  const { replicas = 1, minReadySeconds = 0, template } = spec;
  const status = planReplicaStatus({
    ...{ generation: metadata.generation, minReadySeconds, replicas, template, old: owner.status, active, nowMs },
    terminating: options.countsTerminating ? claimed.filter(isTerminating) : undefined,
    failure: failure === undefined ? undefined : textOf(failure),
  });
  if (!equalContent(status, owner.status)) {
    await deps.client.update(options.resource, { ...owner, status }, { subresource: 'status' });
  }
  if (failure !== undefined && !isNamespaceTerminating(failure)) throw failure;
  const waitMs = untilAvailableMs(active, minReadySeconds, nowMs);
  return waitMs === undefined ? undefined : { afterMs: waitMs };
}

/** Creates or deletes pods; resolves with the first failure. */
async function manage<T extends ReplicaOwner>(
  context: Context<T>,
  key: string,
  owner: T,
  active: Pod[],
): Promise<unknown> {
  const { deps, options, expectations } = context;
  const plan = planReplicas({
    ...{ replicas: owner.spec.replicas ?? 1, active, nowMs: deps.clock.now() },
    related: relatedPods(context, owner, active),
  });
  if (plan.create) {
    expectations.expectCreations(key, plan.create);
    const ref = controllerRefTo(options.resource, owner);
    let observed = 0;
    const { succeeded, error } = await slowStart(plan.create, async () => {
      try {
        await createPod(deps, owner, podFromTemplate(owner.spec.template, owner, ref));
      } catch (failure) {
        observed++;
        expectations.creationObserved(key);
        throw failure;
      }
    });
    // What was never tried is not to be expected either.
    for (let left = plan.create - succeeded - observed; left > 0; left--) expectations.creationObserved(key);
    return error;
  }
  expectations.expectDeletions(
    key,
    plan.remove.map(pod => pod.metadata.uid ?? ''),
  );
  const outcomes = await Promise.allSettled(
    plan.remove.map(async pod => {
      const observe = () => expectations.deletionObserved(key, pod.metadata.uid ?? '');
      try {
        if (!(await deletePod(deps, owner, pod))) observe();
      } catch (failure) {
        observe();
        throw failure;
      }
    }),
  );
  return outcomes.find(outcome => outcome.status === 'rejected')?.reason;
}

/** Active pods of all sets that the owner's own owner manages: those of the old and new sets of one deployment. */
function relatedPods<T extends ReplicaOwner>({ owners, pods }: Context<T>, owner: T, active: Pod[]): Pod[] {
  const parent = controllerRefOf(owner);
  if (!parent) return active;
  const siblings = owners.byIndex('controller', parent.uid);
  return siblings.flatMap(sibling => pods.byIndex('controller', sibling.metadata.uid ?? '').filter(isActive));
}
