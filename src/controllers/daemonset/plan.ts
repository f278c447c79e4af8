import type { DaemonSet, DaemonSetStatus, Node, Pod } from '#api';
import { scaledValue } from '../int-or-percent.ts';
import { omitZero } from '../omit-zero.ts';
import { isAvailable, isReady } from '../pods.ts';
import { fitOf, revisionLabel, targetOf } from './daemon-pod.ts';

/** Upstream's BurstReplicas. */
const burst = 250;

export interface DaemonInput {
  set: DaemonSet;
  /** Pods that the set manages, also terminating ones. */
  pods: readonly Pod[];
  nodes: readonly Node[];
  /** Hash of the template as it is now. */
  hash: string;
  nowMs: number;
}

export interface DaemonPlan {
  /** Names of nodes that get a pod. */
  create: string[];
  remove: Pod[];
  /** Those of `remove` that ended by themselves. */
  ended: Pod[];
}

interface Site {
  node: Node;
  shouldRun: boolean;
  mayStay: boolean;
  /** Oldest first. */
  pods: Pod[];
}

const isGoing = (pod: Pod) => !!pod.metadata.deletionTimestamp;
const isCurrent = (pod: Pod, hash: string) => pod.metadata.labels?.[revisionLabel] === hash;
const hasEnded = ({ status }: Pod) => status?.phase === 'Failed' || status?.phase === 'Succeeded';
const isUp = ({ set, nowMs }: DaemonInput, pod: Pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs);

/** The next step: one pod on every node that fits, then the update. After upstream's manage and rollingUpdate. */
export function planDaemonSet(input: DaemonInput): DaemonPlan {
  const { set } = input;
  const sites = sitesOf(input);
  const plan = planPresence(input, sites);
  const settled = plan.create.length === 0 && plan.remove.length === 0;
  if (settled && set.spec.updateStrategy?.type !== 'OnDelete') planUpdate(input, sites, plan);
  return { ...plan, create: plan.create.slice(0, burst), remove: plan.remove.slice(0, burst) };
}

function sitesOf({ set, pods, nodes }: DaemonInput): Site[] {
  const byNode = Map.groupBy(pods, targetOf);
  const age = (pod: Pod) => Date.parse(pod.metadata.creationTimestamp ?? '') || 0;
  return nodes.map(node => {
    const here = (byNode.get(node.metadata.name) ?? []).sort((a, b) => age(a) - age(b));
    return { node, ...fitOf(set, node), pods: here };
  });
}

function planPresence(input: DaemonInput, sites: readonly Site[]): DaemonPlan {
  const plan: DaemonPlan = { create: [], remove: [], ended: [] };
  for (const { node, shouldRun, mayStay, pods } of sites) {
    const staying = pods.filter(pod => !isGoing(pod));
    if (shouldRun && pods.length === 0) plan.create.push(node.metadata.name);
    else if (!mayStay) plan.remove.push(...staying);
    else {
      plan.ended.push(...staying.filter(hasEnded));
      plan.remove.push(
        ...surplusOf(
          input,
          staying.filter(pod => !hasEnded(pod)),
        ),
      );
    }
  }
  const known = new Set(input.nodes.map(node => node.metadata.name));
  // Where a node is gone, what runs there is the pod collector's; what never got there would wait for ever.
  plan.remove.push(...input.pods.filter(pod => !pod.spec.nodeName && !known.has(targetOf(pod)) && !isGoing(pod)));
  plan.remove.push(...plan.ended);
  return plan;
}

/** Pods that are too many on one node. During a surge an old one that serves and a new one that does not yet are both right. */
function surplusOf(input: DaemonInput, running: readonly Pod[]): Pod[] {
  if (running.length <= 1) return [];
  if (!limitsOf(input.set, 1).surge) {
    const first = running.find(pod => pod.spec.nodeName) ?? running[0];
    return running.filter(pod => pod !== first);
  }
  const current = running.find(pod => isCurrent(pod, input.hash));
  const old = running.find(pod => !isCurrent(pod, input.hash));
  if (!old || !current) return running.slice(1);
  const kept = isUp(input, current) ? [current] : isReady(old) ? [old, current] : [current];
  return running.filter(pod => !kept.includes(pod));
}

function limitsOf({ spec }: DaemonSet, desired: number): { surge: number; unavailable: number } {
  const { maxSurge, maxUnavailable = 1 } = spec.updateStrategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, desired, 'up');
  const unavailable = scaledValue(maxUnavailable, desired, 'up');
  return { surge, unavailable: surge === 0 ? Math.max(1, unavailable) : unavailable };
}

function planUpdate(input: DaemonInput, sites: readonly Site[], plan: DaemonPlan): void {
  const wanted = sites.filter(site => site.shouldRun);
  const { surge, unavailable } = limitsOf(input.set, wanted.length);
  if (surge > 0) planSurge(input, { sites: wanted, surge }, plan);
  else planReplacement(input, { sites: wanted, unavailable }, plan);
}

/** Deletes old pods, no more than may be away; the next look makes new ones. An old one that does not serve goes first. */
function planReplacement(
  input: DaemonInput,
  { sites, unavailable }: { sites: readonly Site[]; unavailable: number },
  plan: DaemonPlan,
): void {
  let away = 0;
  const candidates: Pod[] = [];
  for (const { pods } of sites) {
    const [pod] = pods.filter(one => !isGoing(one));
    const up = pod !== undefined && isUp(input, pod);
    if (!up) away++;
    if (!pod || isCurrent(pod, input.hash)) continue;
    (up ? candidates : plan.remove).push(pod);
  }
  plan.remove.push(...candidates.slice(0, Math.max(0, unavailable - away)));
}

/** Makes new pods beside old ones, no more than the surge; an old one goes when its follower serves. */
function planSurge(
  input: DaemonInput,
  { sites, surge }: { sites: readonly Site[]; surge: number },
  plan: DaemonPlan,
): void {
  let surging = 0;
  const candidates: string[] = [];
  for (const { node, pods } of sites) {
    const staying = pods.filter(one => !isGoing(one));
    const old = staying.find(pod => !isCurrent(pod, input.hash));
    const current = staying.find(pod => isCurrent(pod, input.hash));
    if (!old) continue;
    if (current) {
      if (isUp(input, current)) plan.remove.push(old);
      else surging++;
    } else if (isUp(input, old)) candidates.push(node.metadata.name);
    else plan.create.push(node.metadata.name);
  }
  plan.create.push(...candidates.slice(0, Math.max(0, surge - surging)));
}

export function planDaemonStatus(input: DaemonInput): DaemonSetStatus {
  const { set, hash } = input;
  const sites = sitesOf(input);
  const wanted = sites.filter(site => site.shouldRun);
  const oldest = wanted.flatMap(({ pods }) => pods.slice(0, 1));
  const ready = oldest.filter(isReady);
  const available = ready.filter(pod => isUp(input, pod)).length;
  const status: DaemonSetStatus = {
    ...set.status,
    observedGeneration: set.metadata.generation,
    desiredNumberScheduled: wanted.length,
    currentNumberScheduled: oldest.length,
    numberMisscheduled: sites.filter(site => !site.shouldRun && site.pods.length > 0).length,
    numberReady: ready.length,
    updatedNumberScheduled: oldest.filter(pod => isCurrent(pod, hash)).length,
    numberAvailable: available,
    numberUnavailable: wanted.length - available,
  };
  const kept = ['desiredNumberScheduled', 'currentNumberScheduled', 'numberMisscheduled', 'numberReady'] as const;
  return omitZero(status, kept);
}
