import type { CronJob, CronJobStatus, Job } from '#api';
import { resources } from '#api';
import type { Informer } from '#client';
import { isAlreadyExists, isNamespaceTerminating, isNotFound, refOf } from '#client';
import type { ControllerDeps, ControllerSpec } from '../controller.ts';
import { equalContent } from '../hash.ts';
import { startLoop } from '../loop.ts';
import { controllerIndex, isControlledBy, ownerKeyOf, refOfKey } from '../owners.ts';
import { textOf } from '../pod-control.ts';
import type { CronJobPlan } from './plan.ts';
import { planCronJob } from './plan.ts';

const { cronjobs, jobs } = resources;

/** Creates jobs when their time has come. */
export const cronjob: ControllerSpec = {
  name: 'cronjob',
  serviceAccount: 'cronjob-controller',
  reads: [cronjobs, jobs],
  writes: [
    { resource: cronjobs, verbs: ['update'], subresources: ['status'] },
    { resource: jobs, verbs: ['create', 'delete'] },
  ],
  async start(deps) {
    const owners = deps.informers.of(cronjobs);
    const children = deps.informers.of(jobs, { indexes: controllerIndex });
    const loop = startLoop(deps, {
      name: 'cronjob',
      informers: [owners, children],
      sync: key => sync(deps, owners, children, key),
    });
    loop.on(owners, ({ object }) => [`${object.metadata.namespace}/${object.metadata.name}`]);
    loop.on(children, ({ object, old }) => [ownerKeyOf(object, cronjobs), old && ownerKeyOf(old, cronjobs)]);
    return loop;
  },
};

async function sync(deps: ControllerDeps, owners: Informer<CronJob>, children: Informer<Job>, key: string) {
  const ref = refOfKey(key);
  const owner = owners.get(ref.namespace, ref.name);
  if (!owner) return;
  const mine = children.byIndex('controller', owner.metadata.uid ?? '');
  const plan = planCronJob({ cronJob: owner, jobs: mine, nowMs: deps.clock.now() });
  for (const event of plan.events) deps.events.record(owner, event);
  for (const job of [...plan.replace, ...plan.expire]) await removeJob(deps, owner, job);
  const status = await runJob(deps, owner, plan);
  if (!equalContent(status, owner.status ?? {})) {
    await deps.client.update(cronjobs, { ...owner, status }, { subresource: 'status' });
  }
  return plan.afterMs === undefined ? undefined : { afterMs: plan.afterMs };
}

/** Creates the job that is due; resolves with the status that tells of it. */
async function runJob({ client, events }: ControllerDeps, owner: CronJob, plan: CronJobPlan): Promise<CronJobStatus> {
  const replaced = new Set(plan.replace.map(({ metadata }) => metadata.uid));
  const kept = (plan.status.active ?? []).filter(({ uid }) => !replaced.has(uid));
  const { active: _, ...rest } = plan.status;
  const status = (list: typeof kept): CronJobStatus => (list.length ? { ...rest, active: list } : rest);
  if (!plan.create) return status(kept);
  let created: Job;
  try {
    created = await client.create(jobs, plan.create);
    events.record(owner, {
      type: 'Normal',
      reason: 'SuccessfulCreate',
      message: `Created job ${created.metadata.name}`,
    });
  } catch (error) {
    if (isNamespaceTerminating(error)) return status(kept);
    if (!isAlreadyExists(error)) {
      events.record(owner, {
        type: 'Warning',
        reason: 'FailedCreate',
        message: `Error creating job: ${textOf(error)}`,
      });
      throw error;
    }
    // Ours from before a restart or a lost answer; a stranger's means that this time is skipped, as upstream does.
    created = await client.get(jobs, refOf(plan.create));
    if (!isControlledBy(created, owner)) throw error;
  }
  const { name, namespace, uid, resourceVersion } = created.metadata;
  const ref = { kind: 'Job', apiVersion: 'batch/v1', namespace, name, uid, resourceVersion };
  return { ...status([...kept.filter(one => one.uid !== uid), ref]), lastScheduleTime: plan.scheduleTime };
}

async function removeJob({ client, events }: ControllerDeps, owner: CronJob, job: Job): Promise<void> {
  const { name, uid } = job.metadata;
  try {
    await client.delete(jobs, refOf(job), { propagationPolicy: 'Background', preconditions: { uid } });
    events.record(owner, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted job ${name}` });
  } catch (error) {
    if (isNotFound(error)) return;
    events.record(owner, { type: 'Warning', reason: 'FailedDelete', message: `Deleted job: ${textOf(error)}` });
    throw error;
  }
}
