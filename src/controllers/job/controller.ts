import type { Job, Pod } from '#api';
import { resources } from '#api';
import { backoffMs } from '#base';
import type { Informer } from '#client';
import { isNamespaceTerminating, isNotFound, refOf } from '#client';
import { claimObjects } from '../claim.ts';
import type { ControllerDeps, ControllerSpec } from '../controller.ts';
import type { Expectations } from '../expectations.ts';
import { createExpectations } from '../expectations.ts';
import { equalContent } from '../hash.ts';
import { startLoop } from '../loop.ts';
import { omitZero } from '../omit-zero.ts';
import { controllerIndex, controllerRefOf, controllerRefTo, orphansOf, ownerKeyOf, refOfKey } from '../owners.ts';
import { createPod, deletePod } from '../pod-control.ts';
import { matchesSelector } from '../selector.ts';
import { slowStart } from '../slow-start.ts';
import { isFinishedJob } from './finish.ts';
import { buildJobPod, isTracked, trackingFinalizer } from './job-pods.ts';
import type { JobPlan } from './plan.ts';
import { planJob } from './plan.ts';

const { jobs, pods } = resources;
/** Upstream's DefaultJobPodFailureBackOff and its maximum. */
const failureBackoff = { firstMs: 10_000, maxMs: 600_000 };

/** Runs pods until enough of them have succeeded. */
export const job: ControllerSpec = {
  name: 'job',
  serviceAccount: 'job-controller',
  reads: [jobs, pods],
  writes: [
    { resource: jobs, verbs: ['update'], subresources: ['status'] },
    { resource: pods, verbs: ['create', 'delete', 'patch'] },
  ],
  async start(deps) {
    const context: Context = {
      deps,
      owners: deps.informers.of(jobs),
      pods: deps.informers.of(pods, { indexes: controllerIndex }),
      expectations: createExpectations(deps.clock),
      failures: new Map(),
    };
    const loop = startLoop(deps, {
      name: 'job',
      informers: [context.owners, context.pods],
      sync: key => sync(context, key),
    });
    loop.own(
      context.pods.onChange(({ type, object, old }) => {
        const key = ownerKeyOf(object, jobs);
        if (!key) return;
        const going = type === 'deleted' || object.metadata.deletionTimestamp;
        if (type === 'added') context.expectations.creationObserved(key);
        if (going && !old?.metadata.deletionTimestamp)
          context.expectations.deletionObserved(key, object.metadata.uid ?? '');
      }),
    );
    loop.on(context.owners, ({ object }) => [keyOf(object)]);
    loop.on(context.pods, ({ type, object, old }) => {
      const keys = [ownerKeyOf(object, jobs), old && ownerKeyOf(old, jobs)];
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

const keyOf = ({ metadata }: Job) => `${metadata.namespace}/${metadata.name}`;

interface Context {
  deps: ControllerDeps;
  owners: Informer<Job>;
  pods: Informer<Pod>;
  expectations: Expectations;
  /** Failures since the last success, and when the newest was seen: pods come again after growing delays. */
  failures: Map<string, { count: number; atMs: number }>;
}

async function sync(context: Context, key: string) {
  const { deps, owners, expectations, failures } = context;
  const ref = refOfKey(key);
  const owner = owners.get(ref.namespace, ref.name);
  if (!owner) {
    expectations.forget(key);
    failures.delete(key);
    return releaseOrphans(context, ref);
  }
  // Another controller does this job (KEP-4368).
  if ((owner.spec.managedBy ?? 'kubernetes.io/job-controller') !== 'kubernetes.io/job-controller') return;
  const claimed = await claim(context, owner, ref);
  if (isFinishedJob(owner)) return release(context, claimed.filter(isTracked));
  if (!expectations.satisfied(key)) return;
  warnUnsupported(context, owner);
  const record = failures.get(key);
  const plan = planJob({
    job: owner,
    pods: claimed,
    backoffUntilMs: record ? record.atMs + backoffMs(failureBackoff, record.count - 1) : 0,
    nowMs: deps.clock.now(),
  });
  return apply(context, key, owner, plan);
}

function claim({ deps, pods: all }: Context, owner: Job, ref: { namespace: string; name: string }): Promise<Pod[]> {
  const orphans = all.byIndex('controller', orphansOf(ref.namespace));
  return claimObjects({
    client: deps.client,
    resource: pods,
    owner,
    ownerRef: controllerRefTo(jobs, owner),
    selector: owner.spec.selector,
    candidates: [...all.byIndex('controller', owner.metadata.uid ?? ''), ...orphans],
    finalizer: trackingFinalizer,
    fresh: () => deps.client.get(jobs, ref),
  });
}

/** Writes what is counted, lets the counted pods go, then creates and deletes. */
async function apply(context: Context, key: string, owner: Job, plan: JobPlan) {
  const { deps, failures } = context;
  const failure = await changePods(context, key, owner, plan);
  if (!equalContent(plan.status, owner.status)) {
    await deps.client.update(jobs, { ...owner, status: plan.status }, { subresource: 'status' });
  }
  for (const event of plan.events) deps.events.record(owner, event);
  const nowMs = deps.clock.now();
  if (plan.newlySucceeded) failures.delete(key);
  else if (plan.newlyFailed)
    failures.set(key, { count: (failures.get(key)?.count ?? 0) + plan.newlyFailed, atMs: nowMs });
  await release(context, plan.release);
  if (failure !== undefined && !isNamespaceTerminating(failure)) throw failure;
  return plan.afterMs === undefined ? undefined : { afterMs: plan.afterMs };
}

/** Creates or deletes pods. The plan's status is corrected where that fails; resolves with the first failure. */
async function changePods({ deps, expectations }: Context, key: string, owner: Job, plan: JobPlan): Promise<unknown> {
  expectations.expectDeletions(
    key,
    plan.remove.map(pod => pod.metadata.uid ?? ''),
  );
  const deletions = await Promise.allSettled(
    plan.remove.map(async pod => {
      const observe = () => expectations.deletionObserved(key, pod.metadata.uid ?? '');
      const deleted = await deletePod(deps, owner, pod).catch(error => {
        observe();
        throw error;
      });
      if (!deleted) observe();
    }),
  );
  // What failed just now is to be counted and waited for before there are new pods.
  const create = plan.newlyFailed ? [] : plan.create;
  expectations.expectCreations(key, create.length);
  const { succeeded, error } = await slowStart(create.length, index =>
    createPod(deps, owner, buildJobPod(owner, create[index])),
  );
  for (let left = create.length - succeeded; left > 0; left--) expectations.creationObserved(key);
  const active = (plan.status.active ?? 0) - (plan.create.length - succeeded);
  plan.status = omitZero({ ...plan.status, active }, ['ready', 'terminating']);
  if (plan.newlyFailed && plan.create.length) plan.afterMs ??= failureBackoff.firstMs;
  return error ?? deletions.find(one => one.status === 'rejected')?.reason;
}

async function release({ deps }: Context, ended: readonly Pod[]): Promise<void> {
  const body = { metadata: { '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } };
  await Promise.all(
    ended.map(pod =>
      deps.client
        .patch(pods, refOf(pod), { type: 'strategic', body: { metadata: { uid: pod.metadata.uid, ...body.metadata } } })
        .catch(error => {
          if (!isNotFound(error)) throw error;
        }),
    ),
  );
}

/** Pods of a job that is gone need not be counted any more. */
function releaseOrphans(context: Context, { namespace, name }: { namespace: string; name: string }): Promise<void> {
  const left = context.pods
    .list(namespace)
    .filter(pod => isTracked(pod) && ownerKeyOf(pod, jobs) === `${namespace}/${name}`);
  return release(context, left);
}

function warnUnsupported({ deps }: Context, owner: Job): void {
  if (owner.spec.backoffLimitPerIndex === undefined || owner.status?.startTime) return;
  const message =
    'spec.backoffLimitPerIndex is not implemented yet: failures of all indexes count against spec.backoffLimit';
  deps.events.record(owner, { type: 'Warning', reason: 'NotImplemented', message });
}
