import type { Pod, PodDisruptionBudget, UnknownObject } from '#api';
import { matchesLabelSelector, resources } from '#api';
import { formatTime } from '#base';
import type { Response } from '#wire';
import { negotiate, objectOffer } from '../content/negotiate.ts';
import { renderObject } from '../content/render.ts';
import { internalError, notFound, StatusError } from '../errors.ts';
import { admission } from './admit.ts';
import { deleteObject } from './delete.ts';
import type { DeleteOptions } from './delete-options.ts';
import { freshEnough } from './freshness.ts';
import { modify } from './modify.ts';
import { readSubresourceBody } from './read-object.ts';
import { alignName } from './system-fields.ts';
import type { Target } from './target.ts';
import { keyOf } from './target.ts';
import { parseWriteOptions } from './write-options.ts';

/** Entries of disruptedPods beyond this mean that the budget's controller does not keep up. */
const maxDisruptedPods = 2000;

type EvictionBody = UnknownObject & { deleteOptions?: Partial<DeleteOptions> & { dryRun?: string[] } };

/** POST of an Eviction to pods/<name>/eviction: a deletion that asks the disruption budgets first. 429 when they do not allow it. */
export async function evict(target: Target): Promise<Response> {
  const { core, exchange, kind, name } = target;
  const form = negotiate(exchange.request.headers['accept'], objectOffer);
  const options = parseWriteOptions(exchange.info.query, 'CreateOptions');
  const eviction = (await readSubresourceBody(target, options.fieldValidation)) as EvictionBody;
  alignName(eviction, name);
  const asked = eviction.deleteOptions ?? {};
  const dryRun = options.dryRun || (asked.dryRun as string[] | undefined)?.includes('All') === true;
  const admitted = admission(target, { operation: 'CREATE', name, dryRun, object: eviction, old: undefined });
  await admitted.mutate();
  await admitted.validate();
  const waiting = freshEnough(core, undefined);
  if (waiting) await waiting;
  const pod = findPod(target);
  if (!mayGoFreely(pod)) await spendBudget(target, pod, dryRun);
  const deletion: DeleteOptions = {
    dryRun,
    gracePeriodSeconds: asked.gracePeriodSeconds,
    propagationPolicy: asked.propagationPolicy,
    saidCascade: false,
    // The pod that the budgets were asked about, no other of its name.
    preconditions: { uid: pod.metadata.uid ?? '', ...asked.preconditions },
  };
  // The eviction was admitted: the deletion that it becomes is not asked about again, as upstream.
  await deleteObject({ ...target, core: { ...core, admission: [] } }, deletion);
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  return renderObject({ core, kind, form, exchange }, status as unknown as UnknownObject, 201);
}

function findPod(target: Target): Pod {
  const item = target.core.cache.of(target.kind.storagePrefix).get(keyOf(target));
  if (!item) throw notFound(target.kind, target.name);
  return item.object() as unknown as Pod;
}

/** Pods that serve nobody: done, not started, or going already. */
function mayGoFreely(pod: Pod): boolean {
  const { phase } = pod.status ?? {};
  return phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending' || Boolean(pod.metadata.deletionTimestamp);
}

function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

/** Takes one disruption from the pod's budget. Throws 429 when there is none left, 500 for more than one budget. */
async function spendBudget(target: Target, pod: Pod, dryRun: boolean): Promise<void> {
  const { core, namespace } = target;
  const budgets = core.reader
    .list(resources.poddisruptionbudgets, namespace)
    .filter(budget => matchesLabelSelector(budget.spec?.selector, pod.metadata.labels ?? {}));
  if (budgets.length > 1) {
    throw internalError(
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  }
  const [budget] = budgets;
  if (!budget) return;
  if (!isReady(pod) && mayEvictUnready(budget)) return;
  const kind = core.scheme().byResource('policy', 'v1', 'poddisruptionbudgets')!;
  await modify(
    { ...target, kind, name: budget.metadata.name, subresource: 'status', core: { ...core, admission: [] } },
    {
      dryRun,
      manager: 'wherry',
      produce: (_old, item) => spend(item.copy() as unknown as PodDisruptionBudget, pod, core.clock.now()),
      prepare: () => undefined,
      isUnchecked: true,
    },
  );
}

function mayEvictUnready({ spec, status }: PodDisruptionBudget): boolean {
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  return (status?.currentHealthy ?? 0) >= (status?.desiredHealthy ?? 0) && (status?.desiredHealthy ?? 0) > 0;
}

function spend(budget: PodDisruptionBudget, pod: Pod, nowMs: number): UnknownObject {
  const status = budget.status ?? ({} as NonNullable<PodDisruptionBudget['status']>);
  const name = budget.metadata.name;
  if ((status.observedGeneration ?? 0) < (budget.metadata.generation ?? 0)) {
    throw refusal(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  const allowed = status.disruptionsAllowed ?? 0;
  if (allowed <= 0) {
    throw refusal(
      `The disruption budget ${name} needs ${status.desiredHealthy ?? 0} healthy pods and has ${status.currentHealthy ?? 0} currently`,
    );
  }
  if (Object.keys(status.disruptedPods ?? {}).length > maxDisruptedPods) {
    throw refusal(`DisruptedPods map too big - too many evictions not confirmed by PDB controller`);
  }
  const disruptedPods = { ...status.disruptedPods, [pod.metadata.name]: formatTime(nowMs) };
  budget.status = { ...status, disruptionsAllowed: allowed - 1, disruptedPods } as never;
  return budget as unknown as UnknownObject;
}

function refusal(cause: string, retryAfterSeconds?: number): StatusError {
  return new StatusError({
    code: 429,
    reason: 'TooManyRequests',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: {
      causes: [{ reason: 'DisruptionBudget', message: cause }],
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
  });
}
