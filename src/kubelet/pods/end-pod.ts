import { rm } from 'node:fs/promises';
import type { Pod } from '#api';

import { isConflict, isNotFound } from '#client';
import { podLogDirectory } from '../containers/sandbox-config.ts';
import { removeDeadLinks } from '../logs/log-links.ts';
import { currentSandbox, type RuntimePod } from '../runtime/runtime-pod.ts';
import type { PodContext } from './context.ts';
import { killContainer, removeFromRuntime } from './kill.ts';
import { type Ending, planEnding } from './plan.ts';
import { isStatic } from './pod-spec.ts';
import { groupOf, report } from './report.ts';

/** Upstream's: of a pod that only the runtime knows nothing is known that it should be given time for. */
const unknownGraceSeconds = 1;

const graceOf = ({ metadata, spec }: Pod): number =>
  metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30;

/** A pod that has done its work or was thrown out ends within its own grace, counted from the first look. */
export function finishPod(context: PodContext, pod: Pod): Ending {
  const memory = context.memory(pod.metadata.uid ?? '');
  const graceSeconds = memory.endGraceSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  memory.endDeadlineMs ??= context.clock.now() + graceSeconds * 1000;
  return { graceSeconds, deadlineMs: memory.endDeadlineMs };
}

/** One look at a pod that must end. Answers when to look again. */
export async function endPod(
  context: PodContext,
  pod: Pod,
  runtime: RuntimePod,
  ending: Ending,
): Promise<number | undefined> {
  const uid = pod.metadata.uid ?? '';
  const memory = context.memory(uid);
  let now = runtime;
  let plan = planEnding(pod, now, ending, context.clock.now());
  const stops = plan.actions.filter(action => action.do === 'stopSandbox');
  if (stops.length > 0) {
    for (const { id } of stops) await context.cri.runtime.stopSandbox(id);
    now = await context.cache.refresh(uid);
    plan = planEnding(pod, now, ending, context.clock.now());
  }
  const ip = currentSandbox(now)?.ips[0] ?? '';
  for (const action of plan.actions) if (action.do === 'kill') killContainer(context, pod, action, uid, ip);
  report(context, pod, now, undefined, plan.ended);
  if (!plan.ended) return plan.againMs;
  if (!memory.cleaned) await cleanUp(context, pod);
  if (!pod.metadata.deletionTimestamp || isStatic(pod)) return undefined;
  // The last status must be known before the pod is forgotten; its arrival wakes the pod.
  if (!context.status.written(uid)) return 1000;
  await deleteFromApi(context, pod);
  return undefined;
}

async function cleanUp(context: PodContext, pod: Pod): Promise<void> {
  const uid = pod.metadata.uid ?? '';
  context.prober.forget(uid);
  await context.volumes.removeVolumes(uid);
  const group = groupOf(context, pod);
  if (group) await context.cgroups.remove(group);
  const { namespace = '', name } = pod.metadata;
  await context.afterPod?.({ uid, namespace, name });
  context.memory(uid).cleaned = true;
}

async function deleteFromApi(context: PodContext, pod: Pod): Promise<void> {
  const { namespace, name, uid } = pod.metadata;
  try {
    await context.deletePod({ namespace, name }, uid ?? '');
  } catch (error) {
    // Somebody else was faster, or a pod of the same name came after it.
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

/** One look at what the runtime has of a pod that should not be here (any more). Answers when to look again. */
export async function removePod(context: PodContext, uid: string): Promise<number | undefined> {
  const memory = context.memory(uid);
  const { pod } = memory;
  const runtime = await context.cache.refresh(uid);
  const graceSeconds = Math.max(unknownGraceSeconds, (pod && graceOf(pod)) ?? 0);
  memory.endDeadlineMs ??= context.clock.now() + graceSeconds * 1000;
  const plan = planEnding(pod, runtime, { graceSeconds, deadlineMs: memory.endDeadlineMs }, context.clock.now());
  const ip = currentSandbox(runtime)?.ips[0] ?? '';
  for (const action of plan.actions) {
    if (action.do === 'kill') killContainer(context, pod, action, uid, ip);
    if (action.do === 'stopSandbox') await context.cri.runtime.stopSandbox(action.id);
  }
  if (!plan.ended) return plan.actions.some(action => action.do === 'stopSandbox') ? 0 : plan.againMs;
  const named = pod ?? asPod(runtime);
  if (!memory.cleaned && named) await cleanUp(context, named);
  await removeFromRuntime(context, runtime);
  await context.volumes.remove(uid);
  if (named) {
    await rm(podLogDirectory(context.config.podLogsDir, named), { recursive: true, force: true });
    await removeDeadLinks(context.config.containerLogsDir, context.config.podLogsDir);
  }
  context.forget(uid);
  return undefined;
}

function asPod({ uid, namespace, name }: RuntimePod): Pod | undefined {
  return name ? { metadata: { uid, namespace, name }, spec: { containers: [] } } : undefined;
}
