import type { ControllerRevision, DaemonSet, KubeObject, Node, Pod } from '#api';
import { resources } from '#api';
import { backoffMs } from '#base';
import type { Informer } from '#client';
import { isNamespaceTerminating } from '#client';
import { claimObjects } from '../claim.ts';
import type { ControllerDeps, ControllerSpec } from '../controller.ts';
import { createExpectations } from '../expectations.ts';
import { equalContent } from '../hash.ts';
import { startLoop } from '../loop.ts';
import { controllerIndex, controllerRefOf, controllerRefTo, orphansOf, ownerKeyOf, refOfKey } from '../owners.ts';
import { createPod, deletePod } from '../pod-control.ts';
import { isActive, untilAvailableMs } from '../pods.ts';
import { syncRevisions, truncateRevisions } from '../revisions.ts';
import { matchesSelector } from '../selector.ts';
import { slowStart } from '../slow-start.ts';
import { buildDaemonPod, revisionLabel, targetOf } from './daemon-pod.ts';
import { type DaemonPlan, planDaemonSet, planDaemonStatus } from './plan.ts';

const { daemonsets, pods, nodes, controllerrevisions } = resources;

/** Where pods end as soon as they start, the node agent and this controller would chase each other. Upstream's numbers. */
const failedBackoff = { firstMs: 1000, maxMs: 15 * 60_000 };

/** Keeps one pod on every node that fits. */
export const daemonset: ControllerSpec = {
  name: 'daemonset',
  serviceAccount: 'daemon-set-controller',
  reads: [daemonsets, pods, nodes, controllerrevisions],
  writes: [
    { resource: daemonsets, verbs: ['update'], subresources: ['status'] },
    { resource: pods, verbs: ['create', 'patch', 'delete'] },
    { resource: controllerrevisions, verbs: ['create', 'update', 'patch', 'delete'] },
  ],
  async start(deps) {
    const { informers } = deps;
    const context: Context = {
      deps,
      owners: informers.of(daemonsets),
      pods: informers.of(pods, { indexes: controllerIndex }),
      nodes: informers.of(nodes),
      revisions: informers.of(controllerrevisions, { indexes: controllerIndex }),
      expectations: createExpectations(deps.clock),
      failures: new Map(),
    };
    const loop = startLoop(deps, {
      name: 'daemonset',
      concurrency: 2,
      informers: [context.owners, context.pods, context.nodes, context.revisions],
      sync: key => sync(context, key),
    });
    loop.own(watchExpected(context));
    loop.on(context.owners, ({ object }) => [keyOf(object)]);
    loop.on(context.pods, ({ type, object, old }) => {
      const keys = [ownerKeyOf(object, daemonsets), old && ownerKeyOf(old, daemonsets)];
      if (controllerRefOf(object) || type === 'deleted') return keys;
      const adopters = context.owners.list(object.metadata.namespace);
      return [
        ...keys,
        ...adopters.filter(one => matchesSelector(one.spec.selector, object.metadata.labels)).map(keyOf),
      ];
    });
    loop.on(context.nodes, ({ object, old, type }) =>
      type === 'updated' && old && isSameForDaemons(object, old) ? [] : context.owners.list().map(keyOf),
    );
    return loop;
  },
};

interface Context {
  deps: ControllerDeps;
  owners: Informer<DaemonSet>;
  pods: Informer<Pod>;
  nodes: Informer<Node>;
  revisions: Informer<ControllerRevision>;
  expectations: ReturnType<typeof createExpectations>;
  /** How often the pods of a set ended on a node, and when last; by set and node. */
  failures: Map<string, { count: number; atMs: number }>;
}

const keyOf = ({ metadata }: KubeObject) => `${metadata.namespace}/${metadata.name}`;

function isSameForDaemons(one: Node, other: Node): boolean {
  const seen = ({ metadata, spec }: Node) => [metadata.labels, spec.taints, spec.unschedulable];
  return equalContent(seen(one), seen(other));
}

function watchExpected({ pods: informer, expectations }: Context): Disposable {
  return informer.onChange(({ type, object, old }) => {
    const key = ownerKeyOf(object, daemonsets);
    if (!key) return;
    const going = type === 'deleted' || object.metadata.deletionTimestamp;
    if (type === 'added' && !going) expectations.creationObserved(key);
    if (going && !old?.metadata.deletionTimestamp) expectations.deletionObserved(key, object.metadata.uid ?? '');
  });
}

async function sync(context: Context, key: string) {
  const { deps, owners, expectations } = context;
  const ref = refOfKey(key);
  const set = owners.get(ref.namespace, ref.name);
  if (!set) {
    for (const place of context.failures.keys()) if (place.startsWith(`${key}/`)) context.failures.delete(place);
    return expectations.forget(key);
  }
  if (set.metadata.deletionTimestamp) return;
  const mayManage = expectations.satisfied(key);
  const members = await claim(context, set);
  const hashOptions = { resource: daemonsets, hashLabel: revisionLabel };
  const revisions = await syncRevisions(deps, context.revisions, set, hashOptions);
  if (revisions === 'collision') {
    const status = {
      ...planStatusOf(context, set, members, ''),
      collisionCount: (set.status?.collisionCount ?? 0) + 1,
    };
    await deps.client.update(daemonsets, { ...set, status }, { subresource: 'status' });
    return;
  }
  const hash = revisions.update.metadata.labels?.[revisionLabel] ?? '';
  const nowMs = deps.clock.now();
  const input = { set, pods: members, nodes: context.nodes.list(), hash, nowMs };
  const outcome = mayManage ? await apply(context, set, planDaemonSet(input), hash) : {};
  const status = planDaemonStatus(input);
  if (!equalContent(status, set.status)) {
    await deps.client.update(daemonsets, { ...set, status }, { subresource: 'status' });
  }
  const live = new Set([hash, ...members.map(pod => pod.metadata.labels?.[revisionLabel])]);
  await truncateRevisions(deps, set, revisions.all, one => live.has(one.metadata.labels?.[revisionLabel]));
  if (outcome.error !== undefined && !isNamespaceTerminating(outcome.error)) throw outcome.error;
  const waits = [outcome.waitMs, untilAvailableMs(members, set.spec.minReadySeconds ?? 0, nowMs)];
  const known = waits.filter(wait => wait !== undefined);
  return known.length > 0 ? { afterMs: Math.min(...known) } : undefined;
}

function planStatusOf({ nodes: informer, deps }: Context, set: DaemonSet, members: readonly Pod[], hash: string) {
  return planDaemonStatus({ set, pods: members, nodes: informer.list(), hash, nowMs: deps.clock.now() });
}

function claim(context: Context, set: DaemonSet): Promise<Pod[]> {
  const { namespace = '', name, uid = '' } = set.metadata;
  return claimObjects({
    client: context.deps.client,
    resource: pods,
    owner: set,
    ownerRef: controllerRefTo(daemonsets, set),
    selector: set.spec.selector,
    candidates: [
      ...context.pods.byIndex('controller', uid),
      ...context.pods.byIndex('controller', orphansOf(namespace)).filter(isActive),
    ],
    fresh: () => context.deps.client.get(daemonsets, { namespace, name }),
  });
}

interface Applied {
  error?: unknown;
  /** When a node whose pods end all the time gets its next try. */
  waitMs?: number | undefined;
}

async function apply(context: Context, set: DaemonSet, plan: DaemonPlan, hash: string): Promise<Applied> {
  const { deps, expectations } = context;
  const key = keyOf(set);
  const { remove, waitMs } = holdBack(context, set, plan);
  expectations.expectDeletions(
    key,
    remove.map(pod => pod.metadata.uid ?? ''),
  );
  expectations.expectCreations(key, plan.create.length);
  let tried = 0;
  const made = await slowStart(plan.create.length, async index => {
    tried++;
    await createPod(deps, set, buildDaemonPod(set, plan.create[index]!, hash)).catch(error => {
      expectations.creationObserved(key);
      throw error;
    });
  });
  for (; tried < plan.create.length; tried++) expectations.creationObserved(key);
  const removals = await Promise.allSettled(
    remove.map(async pod => {
      const observe = () => expectations.deletionObserved(key, pod.metadata.uid ?? '');
      const deleted = await deletePod(deps, set, pod).catch(error => {
        observe();
        throw error;
      });
      if (!deleted) observe();
    }),
  );
  const refused = removals.find(outcome => outcome.status === 'rejected');
  return { error: made.error ?? refused?.reason, waitMs };
}

/** Without the ended pods whose node must wait for the next one. */
function holdBack({ deps, failures }: Context, set: DaemonSet, { remove, ended }: DaemonPlan) {
  const nowMs = deps.clock.now();
  const waits: number[] = [];
  const held = ended.filter(pod => {
    const place = `${keyOf(set)}/${targetOf(pod)}`;
    const known = failures.get(place);
    const delayMs = known ? backoffMs(failedBackoff, known.count - 1) : 0;
    // Long enough without an end: as if none had been.
    const count = known && nowMs - known.atMs < 2 * failedBackoff.maxMs ? known.count : 0;
    const leftMs = count > 0 ? known!.atMs + delayMs - nowMs : 0;
    if (leftMs > 0 && pod.status?.phase === 'Failed') return waits.push(leftMs) > 0;
    failures.set(place, { count: count + 1, atMs: nowMs });
    const [reason, type, what] = endedTexts[pod.status?.phase === 'Failed' ? 'Failed' : 'Succeeded'];
    const message = `Found ${what.replace('$', `${pod.metadata.namespace}/${pod.metadata.name} on node ${pod.spec.nodeName}`)}`;
    deps.events.record(set, { type, reason, message });
    return false;
  });
  const waitMs = waits.length > 0 ? Math.min(...waits) : undefined;
  return { remove: remove.filter(pod => !held.includes(pod)), waitMs };
}

const endedTexts = {
  Failed: ['FailedDaemonPod', 'Warning', 'failed daemon pod $, will try to kill it'],
  Succeeded: ['SucceededDaemonPod', 'Normal', 'succeeded daemon pod $, will try to delete it'],
} as const;
